/** Measurements of a server with a node: how soon pods run, and what the programs take when nothing happens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBare } from './bare-cri.ts';
import { image, missingForPods, type NodeCluster, startCluster } from './cluster.ts';
import type { Group, Measurement, Round } from './measurement.ts';
import { median } from './page.ts';
import { type ApiClient, isReady, podSpec, podsPath } from './pods.ts';

/** So many starts, in turn with the bare client's, make one round. */
const startsPerRound = 5;
const replicas = 30;
const idlePods = 10;
/** After this long the start of pods no longer shows. */
const settleMs = 30_000;
const idleMs = 60_000;
const deployments = '/apis/apps/v1/namespaces/default/deployments';

const notes = {
  start:
    'The bare client makes the same three calls with the same kind of configuration; volumes, token, group and status belong to the node agent alone.',
  idle: 'Resident memory is VmRSS of the one process that is API server, controllers, scheduler, node agent, proxy and DNS; the other process only waits. Some 57 MB of it are pages of the `node` program; docs/decisions/0022-memory.md has the rest.',
  cpu: 'User and system time of the process and of what it has called, from proc_pid_stat(5).',
};

const measurements: readonly Measurement[] = [
  {
    name: 'create to Running, image present, one container',
    against: 'the same CRI calls (sandbox, create, start) made by a bare client',
    unit: 'ms',
    bar: { kind: 'at most', ratio: 1.5 },
    note: notes.start,
    missing: missingForPods,
    open: openStart,
  },
  {
    name: `Deployment 1 -> ${replicas} pods all Ready`,
    against: `${replicas - 1} x the bare CRI time`,
    unit: 'ms',
    bar: { kind: 'at most', ratio: 1.3 },
    missing: missingForPods,
    open: openScale,
  },
  {
    name: `idle resident memory of server and agent with ${idlePods} pods`,
    against: 'a bare Node process',
    unit: 'MB',
    bar: { kind: 'at most', ratio: 4 },
    note: notes.idle,
    missing: missingForPods,
    open: openMemory,
  },
  {
    name: `idle CPU over ${idleMs / 1000} s with ${idlePods} pods`,
    against: '1.5 % of one core',
    unit: '% of a core',
    bar: { kind: 'at most', ratio: 1 },
    note: notes.cpu,
    missing: missingForPods,
    open: openIdle,
  },
];

export const group: Group = { title: 'Node', measurements };

type Open = ReturnType<Measurement['open']>;

async function openStart(): Open {
  const cluster = await startCluster();
  const bare = connect(cluster);
  let count = 0;
  await bare.startPod();
  await timePod(cluster.api, 'warm');
  return disposing(cluster, bare, async () => {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < startsPerRound; turn++) {
      await bare.untilQuiet(0);
      theirs.push(await bare.startPod());
      await bare.untilQuiet(0);
      ours.push(await timePod(cluster.api, `pod-${count++}`));
    }
    return { ours: median(ours), theirs: median(theirs) };
  });
}

async function openScale(): Open {
  const cluster = await startCluster();
  const bare = connect(cluster);
  await bare.startPod();
  await makeDeployment(cluster.api, 1);
  return disposing(cluster, bare, async () => {
    const theirs: number[] = [];
    // Before and after, as the machine may be slower at one time than at another.
    const startBare = async () => {
      for (let turn = 0; turn < startsPerRound; turn++) {
        await bare.untilQuiet(1);
        theirs.push(await bare.startPod());
      }
      await bare.untilQuiet(1);
    };
    await startBare();
    const ours = await scale(cluster.api, replicas);
    await scale(cluster.api, 1);
    await startBare();
    return { ours, theirs: median(theirs) * (replicas - 1) };
  });
}

async function openMemory(): Open {
  const cluster = await startIdle();
  const bare = spawn(process.execPath, ['-e', "process.stdout.write('.'); setInterval(() => {}, 1e6)"], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(bare.stdout!, 'data');
  return {
    async round() {
      await wait(5000);
      return { ours: residentMb(cluster.pid), theirs: residentMb(bare.pid!) };
    },
    async [Symbol.asyncDispose]() {
      bare.kill();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

async function openIdle(): Open {
  const cluster = await startIdle();
  return {
    async round() {
      const before = processorMs(cluster.pid);
      const startMs = performance.now();
      await wait(idleMs);
      const share = (processorMs(cluster.pid) - before) / (performance.now() - startMs);
      return { ours: share * 100, theirs: 1.5 };
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function connect(cluster: NodeCluster) {
  return connectBare({
    socketPath: join(cluster.dataFolder, 'run', 'containerd', 'containerd.sock'),
    folder: join(cluster.dataFolder, 'bare'),
    image: `docker.io/library/${image}`,
  });
}

function disposing(cluster: NodeCluster, bare: Disposable, round: () => Promise<Round>): Awaited<Open> {
  return {
    round,
    async [Symbol.asyncDispose]() {
      bare[Symbol.dispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

/** Milliseconds from the call that creates the pod to the event that shows it Running; the pod is gone when this resolves. */
async function timePod(api: ApiClient, name: string): Promise<number> {
  const running = await api.watchPods((_, pod) => pod.metadata.name === name && pod.status.phase === 'Running');
  await running.opened;
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: podSpec(image) });
  const startMs = performance.now();
  await Promise.all([api.write({ method: 'POST', path: podsPath, body }), running.done]);
  const tookMs = performance.now() - startMs;
  const gone = await api.watchPods((type, pod) => pod.metadata.name === name && type === 'DELETED');
  await gone.opened;
  await Promise.all([api.write({ method: 'DELETE', path: `${podsPath}/${name}` }), gone.done]);
  return tookMs;
}

async function makeDeployment(api: ApiClient, count: number): Promise<void> {
  const labels = { app: 'bench' };
  const template = { metadata: { labels }, spec: podSpec(image) };
  const body = JSON.stringify({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'bench' } },
    spec: { replicas: count, selector: { matchLabels: labels }, template },
  });
  const isThere = await watchReady(api, count);
  await Promise.all([api.write({ method: 'POST', path: deployments, body }), isThere.done]);
}

/** Milliseconds from the call that changes the number of replicas to the event of the last pod that is Ready, or gone. */
async function scale(api: ApiClient, count: number): Promise<number> {
  const isReached = await watchReady(api, count);
  const startMs = performance.now();
  const body = JSON.stringify({ spec: { replicas: count } });
  const patch = {
    method: 'PATCH',
    path: `${deployments}/bench`,
    body,
    contentType: 'application/merge-patch+json',
  };
  await Promise.all([api.write(patch), isReached.done]);
  return performance.now() - startMs;
}

/** Resolves when exactly `count` pods are there and all are Ready. */
async function watchReady(api: ApiClient, count: number): Promise<{ done: Promise<void> }> {
  const ready = new Map<string, boolean>();
  for (const pod of (await api.get(podsPath)).items) ready.set(pod.metadata.name, isReady(pod));
  const watch = await api.watchPods((type, pod) => {
    if (type === 'DELETED') ready.delete(pod.metadata.name);
    else ready.set(pod.metadata.name, isReady(pod));
    return ready.size === count && [...ready.values()].every(Boolean);
  });
  await watch.opened;
  return watch;
}

async function startIdle(): Promise<NodeCluster> {
  const cluster = await startCluster();
  await makeDeployment(cluster.api, idlePods);
  await wait(settleMs);
  return cluster;
}

function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

/** Processor time so far of a process and of its ended children, in milliseconds: fields 14 to 17 of proc_pid_stat(5), in ticks of 10 ms. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * 10;
}

const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
