import { mkdir, realpath } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import { type InformerEvent, startQueue } from '#client';
import type { KubeletConfig, KubeletDeps } from './config.ts';
import { createContext } from './create-context.ts';
import { createImageGc } from './images/image-gc.ts';
import { createKubeletView } from './kubelet-view.ts';
import { startHousekeeping } from './node/housekeeping.ts';
import { type Machine, readFilesystem, readMachine } from './node/machine.ts';
import { startNodeAgent } from './node/node-agent.ts';
import { startNodeLease } from './node/node-lease.ts';
import type { PodContext } from './pods/context.ts';
import { handlePod } from './pods/handle-pod.ts';
import { type Mirrors, startMirrors } from './pods/mirror-pods.ts';
import { isMirror } from './pods/pod-spec.ts';
import { type StaticPods, watchStaticPods } from './pods/static-pods.ts';
import { watchRuntime } from './runtime/watch-runtime.ts';
import type { KubeletView } from './server/view.ts';
import { podsDir } from './volumes/pod-paths.ts';

/** Pods looked at together: enough to keep two cores busy while the runtime works. */
const podConcurrency = 10;
/** Images younger than this are not collected: upstream's imageMinimumGCAge. */
const imageMinAgeMs = 2 * 60_000;
/** What of the pods is logged is seen again this soon. */
const podBackoff = { firstMs: 200, maxMs: 30_000 };

export interface Kubelet extends Running {
  /** What the node's HTTPS server needs. */
  readonly view: KubeletView;
  /** The folder's static pods as they are run. */
  staticPods(): readonly Pod[];
}

/**
 * Starts the node agent. It takes over what already runs, registers the node and keeps pods as the API server wants them until it is disposed; disposing
 * leaves the pods running. `deps.cri` must answer sooner or later; until then the node is not ready.
 */
export async function startKubelet(given: KubeletConfig, deps: KubeletDeps): Promise<Kubelet> {
  const { client, clock, log } = deps;
  const machine = readMachine();
  const config = { ...given, rootDir: await prepareRoot(given.rootDir, deps) };
  await using start = new AsyncDisposableStack();
  const pods = deps.informers.of(resources.pods, { fieldSelector: `spec.nodeName=${config.nodeName}` });
  const nodes = deps.informers.of(resources.nodes, { fieldSelector: `metadata.name=${config.nodeName}` });
  const statics: { value: StaticPods | undefined } = { value: undefined };
  const readState = async () => {
    const nodefs = await readFilesystem(config.rootDir);
    return { nodefs, imagefs: nodefs };
  };
  const storageBytes = (await readState()).nodefs.totalBytes;
  const context = await createContext(config, deps, {
    ...{ pods, machine, storageBytes },
    wake: uid => queue.add(uid),
    statics: {
      list: () => statics.value?.list() ?? [],
      synced: () => !config.staticPodDir || statics.value !== undefined,
    },
    stack: start,
  });
  let pressure = () => ({ memory: false, disk: false, pid: false });
  const nodeLabels = () => nodes.get(undefined, config.nodeName)?.metadata.labels ?? {};
  const handle = (uid: string) => handlePod(context, uid, { pressure, nodeLabels });
  const queue = start.use(
    startQueue({ name: 'pods', concurrency: podConcurrency, handle, backoff: podBackoff }, { clock, log }),
  );
  const mirrors = start.use(
    startMirrors({
      ...{ client, clock, log, pods, statics: () => statics.value?.list() ?? [] },
      node: () => nodes.get(undefined, config.nodeName),
    }),
  );
  if (config.staticPodDir) statics.value = start.use(await startStatics(context, config.staticPodDir, mirrors));
  start.use(pods.onChange(event => wakeFor(context, statics.value, event, mirrors)));
  start.use(
    nodes.onChange(({ type }) => {
      if (type === 'added') mirrors.checkAll();
    }),
  );
  const runtime = start.use(
    watchRuntime({
      ...{ cache: context.cache, events: deps.runtimeEvents, clock, log },
      onChange: uid => queue.add(uid),
      onTrouble: () => agent.check(),
    }),
  );
  // Folders of pods that nobody runs any more are found when the pods are known.
  context.background(async () => {
    await pods.whenSynced();
    for (const uid of [...(await context.volumes.uids()), ...context.cache.uids()]) queue.add(uid);
  });
  const facts = () => nodeFacts({ context, machine, storageBytes, pressure: pressure(), trouble: runtime.trouble() });
  const agent = start.use(
    startNodeAgent({ config, machine, client, informer: nodes, events: deps.events, clock, log, facts }),
  );
  start.use(
    startNodeLease({
      client,
      clock,
      log,
      nodeName: config.nodeName,
      node: () => nodes.get(undefined, config.nodeName),
    }),
  );
  const imageGc = createImageGc({
    ...{ images: deps.cri.images, highPercent: config.imageGcHighPercent, lowPercent: config.imageGcLowPercent },
    ...{ pinned: [config.pauseImage], storePath: config.rootDir, minAgeMs: imageMinAgeMs },
  });
  const house = start.use(startHousekeeping({ context, imageGc, readState, onPressure: () => agent.check() }));
  pressure = house.pressure;
  const running = start.move();
  return {
    view: createKubeletView(context, readState),
    staticPods: () => statics.value?.list() ?? [],
    ready() {
      if (!agent.registered()) return 'the node is not registered';
      const trouble = runtime.trouble();
      if (trouble) return `the container runtime does not answer: ${trouble}`;
      return context.source.synced() ? undefined : 'the pods of this node are not known yet';
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/**
 * The root folder must be a shared mount, or volumes mounted later stay unseen in containers. Answers its path without links: the mount table names
 * only such.
 */
async function prepareRoot(rootDir: string, { mounts, log }: KubeletDeps): Promise<string> {
  await mkdir(podsDir(rootDir), { recursive: true, mode: 0o750 });
  const path = await realpath(rootDir);
  const here = (await mounts.list()).findLast(mount => mount.path === path);
  if (here?.shared) return path;
  if (!here) await mounts.bind(path, path);
  await mounts.makeShared(path);
  log.debug('root folder made a shared mount', { path });
  return path;
}

async function startStatics(context: PodContext, folder: string, mirrors: Mirrors): Promise<StaticPods> {
  const { clock, log, config } = context;
  const onChange = (uids: readonly string[]) => {
    for (const uid of uids) context.wake(uid);
    mirrors.checkAll();
  };
  const statics = await watchStaticPods({ folder, nodeName: config.nodeName, clock, log, onChange });
  mirrors.checkAll();
  return statics;
}

/** A change of a mirror is about its static pod. */
function wakeFor(
  context: PodContext,
  statics: StaticPods | undefined,
  { object, old }: InformerEvent<Pod>,
  mirrors: Mirrors,
): void {
  const { uid = '', name, namespace } = object.metadata;
  if (!isMirror(object)) {
    if (!old || changesVolumes(old, object)) context.memory(uid).volumesStale = true;
    context.wake(uid);
    return;
  }
  for (const pod of statics?.list() ?? []) {
    if (pod.metadata.name === name && pod.metadata.namespace === namespace) context.wake(pod.metadata.uid ?? '');
  }
  mirrors.check(object);
}

/** Most changes are of the status, and our own: no file of a volume tells about it. */
function changesVolumes(old: Pod, now: Pod): boolean {
  const seen = (pod: Pod) => [pod.metadata.labels, pod.metadata.annotations, pod.spec];
  return !isDeepStrictEqual(seen(old), seen(now));
}

async function nodeFacts(options: {
  context: PodContext;
  machine: Machine;
  storageBytes: number;
  pressure: { memory: boolean; disk: boolean; pid: boolean };
  trouble: string | undefined;
}) {
  const { context, trouble, ...rest } = options;
  const { cri, clock } = context;
  const troubles: string[] = [];
  if (trouble) troubles.push(`container runtime is down: ${trouble}`);
  else {
    for (const { type, status, reason, message } of await cri.runtime.status()) {
      if (status) continue;
      const what =
        type === 'NetworkReady'
          ? 'container runtime network not ready'
          : 'container runtime status check may not have completed yet';
      troubles.push(`${what}: ${type}=false reason:${reason} message:${message}`);
    }
  }
  const version = trouble ? undefined : await cri.runtime.version();
  const images = trouble ? [] : await cri.images.list();
  const runtime = { name: version?.runtimeName ?? 'containerd', version: version?.runtimeVersion ?? '' };
  return { ...rest, troubles, images, runtime, nowMs: clock.now() };
}
