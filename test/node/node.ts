import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject, Pod } from '#api';
import { resources } from '#api';
import type { Clock, LogRecord, Running } from '#base';
import { createLog, createMeter, createRandom, createSystemClock } from '#base';
import type { EventText } from '#client';
import { createInformers } from '#client';
import { createFakeClient, type FakeClient } from '#client/testing';
import { createCgroups, createMounts, readCapabilities } from '#host';
import { buildImage, fullImageName, pauseImage, writeOciArchive } from '#image';
import {
  type ContainerdConfig,
  createCtrImport,
  type Kubelet,
  type KubeletConfig,
  killPods,
  kubeletDefaults,
  startContainerd,
  startKubelet,
} from '#kubelet';
import { type Cri, connectCri, subscribeContainerdEvents } from '#wire';

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const cniFolders = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];
const findProgram = (name: string) => programFolders.map(folder => join(folder, name)).find(existsSync);
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** Why this machine cannot run pods; undefined when it can. */
export function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = ['containerd', 'runc', 'ctr', 'mount', 'umount'].filter(name => !findProgram(name));
  if (missing.length) return `needs ${missing.join(', ')}`;
  if (!cniFolders.some(folder => existsSync(join(folder, 'ptp')))) return 'needs the CNI plugin ptp';
  return undefined;
}

/** A node of its own: containerd, kubelet and an API in memory, all below one temporary folder. */
export interface TestNode extends AsyncDisposable {
  folder: string;
  containerd: ContainerdConfig;
  /** Name of the pod network. */
  network: string;
  config: KubeletConfig;
  client: FakeClient;
  cri: Cri;
  clock: Clock;
  records: LogRecord[];
  /** What was recorded about pods, oldest first: `web: Normal Started Container started`. */
  events: string[];
  startRuntime(): Promise<Running>;
  startKubelet(): Promise<Kubelet>;
  pod(name: string): Pod | undefined;
  /** Gives the pod when it is as asked for; fails, naming its state, after `seconds`. */
  untilPod(name: string, isReached: (pod: Pod) => unknown, seconds?: number): Promise<Pod>;
  /** Gives what `look` gives once it is something. */
  eventually<T>(what: string, look: () => T | Promise<T>, seconds?: number): Promise<NonNullable<T>>;
  /** What the command wrote to its standard output; rejects for another exit code than 0. */
  exec(pod: string, container: string, command: readonly string[]): Promise<string>;
  killPods(): Promise<string[]>;
}

/** Nothing runs yet but the API. Disposing kills all that the node left and removes the folder. */
export async function makeNode(objects: readonly KubeObject[] = []): Promise<TestNode> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-node-'));
  const clock = createSystemClock();
  const random = createRandom();
  const records: LogRecord[] = [];
  const log = createLog({ level: 'debug', now: clock.now, write: record => records.push(record) });
  const containerd = await containerdConfig(folder);
  const config = kubeletConfig(folder, containerd.pauseImage);
  const client = createFakeClient(objects, { clock, random });
  const cri = connectCri({ socketPath: containerd.socketPath, now: clock.now });
  const events: string[] = [];
  const network = await writeNetwork(containerd.cniConfDir, join(folder, 'cni'));
  const watcher = createInformers({ client, clock, log, random });
  const pods = watcher.of(resources.pods);
  const pod: TestNode['pod'] = name => client.peek(resources.pods, { namespace: 'default', name });
  const eventually: TestNode['eventually'] = async (what, look, seconds = 30) => {
    const untilMs = clock.monotonicMs() + seconds * 1000;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (clock.monotonicMs() > untilMs) throw new Error(`${what}: not within ${seconds} s`);
      await clock.sleep(50);
    }
  };
  const kill = async () => {
    const lines: string[] = [];
    await killPods({
      ...{ containerd, kubeletRootDir: config.rootDir, cniStateDir: join(folder, 'cni'), clock, graceMs: 2000 },
      ...{ cgroupRoot: config.cgroupRoot!, mounts: createMounts(), cgroups: createCgroups() },
      say: line => lines.push(line),
    });
    return lines;
  };
  return {
    ...{ folder, containerd, network, config, client, cri, clock, records, events, pod, eventually, killPods: kill },
    async startRuntime() {
      const running = await startContainerd(containerd, { clock, log, probe: () => cri.runtime.version() });
      await importImages(folder, containerd, cri);
      return running;
    },
    async startKubelet() {
      const informers = createInformers({ client, clock, log, random });
      const kubelet = await startKubelet(config, {
        ...{ client, informers, clock, random, log, cri, meter: createMeter() },
        ...{ mounts: createMounts(), cgroups: createCgroups(), events: recorder(events) },
        runtimeEvents: signal =>
          subscribeContainerdEvents({
            ...{ socketPath: containerd.socketPath, now: clock.now, signal },
            topics: ['/tasks/start', '/tasks/exit', '/tasks/oom'],
          }),
      });
      return {
        ...kubelet,
        async [Symbol.asyncDispose]() {
          await kubelet[Symbol.asyncDispose]();
          await informers[Symbol.asyncDispose]();
        },
      };
    },
    async untilPod(name, isReached, seconds = 30) {
      await pods.whenSynced();
      const reached = () => {
        const found = pod(name);
        return found && isReached(found) ? found : undefined;
      };
      const { promise, resolve } = Promise.withResolvers<Pod | undefined>();
      using _handler = pods.onChange(() => reached() && resolve(reached()));
      using _late = clock.timer(seconds * 1000, () => resolve(undefined));
      if (reached()) resolve(reached());
      const found = await promise;
      if (found) return found;
      throw new Error(`${name} after ${seconds} s: ${describe(pod(name))}\n${events.join('\n')}`);
    },
    async exec(name, container, command) {
      const status = pod(name)?.status;
      const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
      const id = all.find(one => one.name === container)?.containerID?.split('//')[1] ?? '';
      const answer = await cri.runtime.execSync(id, command, 10_000);
      if (answer.exitCode !== 0) throw new Error(`${command.join(' ')}: ${answer.exitCode}: ${answer.stderr}`);
      return String(answer.stdout);
    },
    async [Symbol.asyncDispose]() {
      await watcher[Symbol.asyncDispose]();
      cri.close();
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

async function containerdConfig(folder: string): Promise<ContainerdConfig> {
  return {
    rootDir: join(folder, 'store'),
    stateDir: join(folder, 'run'),
    socketPath: join(folder, 'run', 'c.sock'),
    configPath: join(folder, 'etc', 'containerd.toml'),
    logPath: join(folder, 'containerd.log'),
    cniConfDir: join(folder, 'etc', 'cni'),
    cniBinDirs: cniFolders.filter(one => existsSync(join(one, 'ptp'))),
    pauseImage: fullImageName(pauseImage(architecture).name),
    cgroupDriver: 'cgroupfs',
    snapshotter: 'overlayfs',
    restrictOomScoreAdj: !(await readCapabilities()).has('CAP_SYS_RESOURCE'),
    registriesDir: join(folder, 'etc', 'certs.d'),
    programs: { containerd: findProgram('containerd')!, runc: findProgram('runc')!, ctr: findProgram('ctr')! },
  };
}

function kubeletConfig(folder: string, pause: string): KubeletConfig {
  return {
    ...kubeletDefaults,
    nodeName: 'node-1',
    nodeIps: ['192.0.2.1'],
    version: 'v1.36.0',
    rootDir: join(folder, 'kubelet'),
    podLogsDir: join(folder, 'log', 'pods'),
    containerLogsDir: join(folder, 'log', 'containers'),
    cgroupRoot: `/wherry-node-${randomBytes(3).toString('hex')}`,
    staticPodDir: join(folder, 'static'),
    pauseImage: pause,
    // A full disk of the machine that tests is not what is tested.
    imageGcHighPercent: 100,
    containerLogMaxSizeBytes: 50_000,
    eviction: { ...kubeletDefaults.eviction, nodefsAvailablePercent: 0, imagefsAvailablePercent: 0 },
  };
}

/** A veth and a host route for every pod; the range is nobody else's. */
async function writeNetwork(confDir: string, dataDir: string): Promise<string> {
  await mkdir(confDir, { recursive: true });
  const subnet = `10.88.${randomBytes(1)[0]}.0/24`;
  const ipam = { type: 'host-local', dataDir, ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] };
  const name = `try-${randomBytes(3).toString('hex')}`;
  const text = JSON.stringify({ cniVersion: '1.0.0', name, plugins: [{ type: 'ptp', ipMasq: false, ipam }] });
  await writeFile(join(confDir, '10-try.conflist'), text);
  return name;
}

async function importImages(folder: string, { programs, socketPath, pauseImage: name }: ContainerdConfig, cri: Cri) {
  if (await cri.images.status(name)) return;
  const importArchive = createCtrImport({ ctr: programs.ctr, socketPath });
  const pause = join(folder, 'pause.tar');
  await writeOciArchive(pause, pauseImage(architecture));
  await importArchive(pause);
  await importArchive(await busyboxArchive());
}

/** Built once, then shared by all tests of this checkout: its packages are downloaded. */
async function busyboxArchive(): Promise<string> {
  const output = join('build', 'images', 'busybox.tar');
  if (existsSync(output)) return output;
  mkdirSync(join('build', 'images'), { recursive: true });
  const cacheFolder = join('build', 'packages');
  const folder = join('examples', 'busybox');
  await buildImage({ folder, output, cacheFolder, architecture, onProgress: () => undefined });
  return output;
}

function recorder(events: string[]) {
  return {
    record(about: KubeObject & { fieldPath?: string }, { type, reason, message }: EventText) {
      events.push(`${about.metadata.name}: ${type} ${reason} ${message}`);
    },
  };
}

function describe(pod: Pod | undefined): string {
  return pod ? JSON.stringify(pod.status, undefined, 1) : 'it is not there';
}
