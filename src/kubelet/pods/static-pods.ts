import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Pod } from '#api';
import { type Clock, formatTime, type Log } from '#base';

/** Pods that a folder of this node asks for, whatever the API server says. */
export interface StaticPods extends AsyncDisposable {
  list(): Pod[];
  /** The folder has been read once. */
  synced(): boolean;
}

/** Upstream's fileCheckFrequency: a change that the watch missed is seen then. */
const rereadMs = 20_000;
const settleMs = 100;

export async function watchStaticPods(options: {
  folder: string;
  nodeName: string;
  clock: Clock;
  log: Log;
  /** Pods that came, changed or went. */
  onChange(uids: readonly string[]): void;
}): Promise<StaticPods> {
  const { folder, clock, log } = options;
  await mkdir(folder, { recursive: true });
  let [pods, stopped] = [new Map<string, Pod>(), false];
  let [timer, busy]: [Disposable | undefined, Promise<void>] = [undefined, Promise.resolve()];
  const scan = async () => {
    const found = new Map<string, Pod>();
    for (const name of (await readdir(folder)).filter(one => !one.startsWith('.')).sort()) {
      for (const pod of await readPods(join(folder, name), options)) found.set(pod.metadata.uid!, keepTime(pods, pod));
    }
    const changed = [...new Set([...pods.keys(), ...found.keys()])].filter(uid => !pods.has(uid) || !found.has(uid));
    pods = found;
    if (changed.length > 0) options.onChange(changed);
  };
  const later = (delayMs: number) => {
    if (stopped) return;
    timer?.[Symbol.dispose]();
    timer = clock.timer(
      delayMs,
      () => {
        busy = busy
          .then(scan)
          .catch((error: unknown) => log.warn('static pods not read', { folder, error }))
          .then(() => later(rereadMs));
      },
      { unref: true },
    );
  };
  await scan();
  const watcher: FSWatcher = watch(folder, () => later(settleMs));
  later(rereadMs);
  return {
    list: () => [...pods.values()],
    synced: () => true,
    async [Symbol.asyncDispose]() {
      stopped = true;
      watcher.close();
      timer?.[Symbol.dispose]();
      await busy;
    },
  };
}

/** The time when a pod was seen first is part of it, but no reason to start it anew. */
function keepTime(known: ReadonlyMap<string, Pod>, pod: Pod): Pod {
  return known.get(pod.metadata.uid!) ?? pod;
}

async function readPods(
  path: string,
  { nodeName, clock, log }: { nodeName: string; clock: Clock; log: Log },
): Promise<Pod[]> {
  const text = await readFile(path, 'utf8').catch(() => ''); // gone again, or a folder
  try {
    const objects = parseAllDocuments(text).map(document => document.toJS() as Pod | null);
    return objects
      .filter(one => one?.kind === 'Pod')
      .map(one => staticPod(one!, { path, nodeName, nowMs: clock.now() }));
  } catch (error) {
    log.warn('static pod not understood', { path, error });
    return [];
  }
}

/** What upstream adds to a pod of a file: its identity is what is written, where, and on which node. */
export function staticPod(written: Pod, where: { path: string; nodeName: string; nowMs: number }): Pod {
  const { nodeName, path, nowMs } = where;
  const hash = createHash('md5')
    .update(JSON.stringify([written, nodeName, path]))
    .digest('hex');
  const { metadata, spec } = written;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${metadata.name.toLowerCase()}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace || 'default',
      uid: hash,
      annotations: {
        ...metadata.annotations,
        'kubernetes.io/config.hash': hash,
        'kubernetes.io/config.seen': formatTime(nowMs),
        'kubernetes.io/config.source': 'file',
      },
    },
    spec: {
      ...spec,
      nodeName,
      restartPolicy: spec.restartPolicy ?? 'Always',
      dnsPolicy: spec.dnsPolicy ?? 'ClusterFirst',
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
      // Nothing may keep a static pod off its node.
      tolerations: [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
  };
}
