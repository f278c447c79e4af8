/** Measurements of the API server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProtobufCodec } from '#wire';
import { call, configMap, configMaps, countByte, processorUs } from './calls.ts';
import { createOnEtcd } from './etcd.ts';
import { memoryFull } from './full-memory.ts';
import { startFull } from './full-start.ts';
import { floodOfBare, getUnderFlood, getUnderWrites } from './latency.ts';
import { type Call, measureFanOut, measureRate, openSession, send, type Target } from './load.ts';
import type { Group, Measurement } from './measurement.ts';
import { launchWherry, type Subject, startBare, startWherry } from './subjects.ts';

const connections = 16;
/** Each server is under load in `turns` turns of `seconds` in every round. */
const seconds = 1;
const turns = 3;
const pods = '/api/v1/namespaces/default/pods';

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const protobufType = 'application/vnd.kubernetes.protobuf';
const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io';

/** Names of Deployments must not come twice in one run. */
let madeDeployments = 0;

/** Paused: their controller makes nothing of them. */
const deployment = (name: string, replicas: number) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: 'web' } },
    spec: {
      paused: true,
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'main',
              image: 'nginx:1.25',
              ports: [{ name: 'http', containerPort: 80 }],
              env: [{ name: 'MODE', value: 'fast' }],
              resources: { requests: { cpu: '100m', memory: '64Mi' } },
              livenessProbe: { httpGet: { path: '/', port: 80 } },
            },
          ],
        },
      },
    },
  });

const applyOne = (index: number, replicas: number): Call => ({
  method: 'PATCH',
  path: `${deployments}/web-${index}?fieldManager=bench&force=true`,
  body: deployment(`web-${index}`, replicas),
  contentType: 'application/apply-patch+yaml',
});

const codec = createProtobufCodec();

const createPod = (name: string): Call => ({
  method: 'POST',
  path: pods,
  body: codec.encode({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations: { filler: 'x'.repeat(3600) } },
    spec: { schedulerName: 'none', containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', '1000'] }] },
  }),
  contentType: protobufType,
  accept: protobufType,
});

/** What the numbers hide, and why some fall short. Whoever changes what they speak of looks at them again. */
const notes = {
  start:
    'Nearly all of it is loading: the bare server is one module, a control plane more than 500 of its own and some 70 of the YAML library, and each is looked up, ' +
    'read, and taken from the compile cache. What only some servers need (gRPC, certificate making, HTTP/1.1, WebSocket) is loaded when it is asked for.',
  create:
    'The rate of the bare server is bounded by the load generator, so the processor time of a call tells more than the ratio of rates. It is spent in many places: ' +
    'in a profile of ConfigMaps the transaction, its sync and the news to the watch cache take a fifth (the sync itself is waited for off the thread), ' +
    'collecting garbage a fourteenth, the ownership of fields and decoding the body a sixteenth each; the controllers of the same process get the object as it is, without ' +
    'parsing it again; the rest is HTTP/2, admission, validation and metrics in pieces of a few hundredths. A pod costs twice that: it gets a token volume, is judged by more rules, ' +
    'and is encoded twice (as it is stored, and for its client). The bare server neither understands the body nor waits for a ' +
    'disk.',
  list: 'Nothing changes between these lists, so they share the joined bytes, as those of many informers do after a restart. The first list after a change copies its items together once.',
  table:
    'Cells show ages in seconds, so within a second the rows of the same objects are made once, and shared. The first table of a second costs what it costs to fill in five ' +
    'thousand rows.',
  apply:
    'An apply that changed nothing is remembered with the object: the same bytes need not be looked at again until it is another one. They go through admission and ' +
    'validation all the same, on a copy that is then compared with what is stored, which is about a sixth of its time. One that changes a field is compared with the live object, with the fields of every manager, and committed like any write.',
  writers:
    'A commit and its sync carry the updates of many connections, and a watcher gets the events of one commit in one write.',
  many: 'The client reads 200,000 events of more than a kilobyte in one process, and is as busy as the server. What each update costs by itself is counted once here and twenty times there.',
  oneWriter:
    'The next update is sent when the one before is answered, and it is answered, and shown to watchers, when it is on the disk. So the time of 500 syncs, one after the other, ' +
    'stands in the number; the bare server waits for nothing. Events are written after the answer, so that watchers do not add to it.',
};

const measurements: readonly Measurement[] = [
  {
    name: 'process start of `server --disable-agent` to /readyz 200, warm compile cache',
    against: 'start of a bare Node HTTPS server to its first answer',
    unit: 'ms',
    bar: { kind: 'at most', ratio: 5 },
    note: notes.start,
    open: openStart,
  },
  pair({
    name: 'GET one object, 16 connections, client certificate',
    bar: 0.6,
    prepare: target => call(target, { method: 'POST', path: configMaps, body: configMap('one', 1024) }),
    sample: () => ({ method: 'GET', path: `${configMaps}/one` }),
    ours: () => ({ method: 'GET', path: `${configMaps}/one` }),
    theirs: bytes => ({ method: 'GET', path: `/bytes/${bytes}` }),
  }),
  pair({
    name: 'CREATE ConfigMap 1 KB, 16 connections, durable',
    against: 'bare Node HTTP/2 TLS server that reads the body and sends it back',
    bar: 0.4,
    note: notes.create,
    sample: () => ({ method: 'POST', path: configMaps, body: configMap('first', 1024) }),
    ours: index => ({ method: 'POST', path: configMaps, body: configMap(`made-${index}`, 1024) }),
    theirs: () => ({ method: 'POST', path: '/echo', body: configMap('made-000000', 1024) }),
  }),
  pair({
    name: 'LIST 5,000 pods of 4 KB, JSON',
    bar: 0.8,
    note: notes.list,
    connections: 2,
    prepare: makePods,
    sample: () => ({ method: 'GET', path: pods }),
    ours: () => ({ method: 'GET', path: pods }),
    theirs: bytes => ({ method: 'GET', path: `/bytes/${bytes}` }),
  }),
  pair({
    name: 'LIST 5,000 pods, protobuf',
    bar: 0.3,
    note: notes.list,
    connections: 2,
    prepare: makePods,
    sample: () => ({ method: 'GET', path: pods, accept: protobufType }),
    ours: () => ({ method: 'GET', path: pods, accept: protobufType }),
    theirs: bytes => ({ method: 'GET', path: `/bytes/${bytes}` }),
  }),
  pair({
    name: 'LIST 5,000 pods, Table',
    bar: 0.2,
    note: notes.table,
    connections: 2,
    prepare: makePods,
    sample: () => ({ method: 'GET', path: pods, accept: tableType }),
    ours: () => ({ method: 'GET', path: pods, accept: tableType }),
    theirs: bytes => ({ method: 'GET', path: `/bytes/${bytes}` }),
  }),
  pair({
    name: 'CREATE pod 4 KB, protobuf, durable',
    against: 'bare Node HTTP/2 TLS server that reads the body and sends it back',
    bar: 0.25,
    note: notes.create,
    sample: () => createPod('first'),
    ours: index => createPod(`made-${index}`),
    theirs: () => ({ ...createPod('made-000000'), path: '/echo' }),
  }),
  pair({
    name: 'server-side apply of a Deployment that changes nothing',
    against: 'GET of it',
    bar: 0.5,
    note: notes.apply,
    prepare: target => call(target, applyOne(0, 1)),
    sample: () => applyOne(0, 1),
    ours: () => applyOne(0, 1),
    theirs: () => ({ method: 'GET', path: `${deployments}/web-0` }),
    isOurs: true,
  }),
  pair({
    name: 'server-side apply of a Deployment, one field changed',
    against: 'CREATE of one',
    bar: 0.5,
    note: notes.apply,
    prepare: async target => {
      for (let index = 0; index < 64; index++) await call(target, applyOne(index, 1));
    },
    sample: () => applyOne(0, 2),
    // Neighbours in time write to different objects, as different clients do.
    ours: index => applyOne(index % 64, (Math.floor(index / 64) % 100) + 2),
    theirs: () => ({ method: 'POST', path: deployments, body: deployment(`made-${madeDeployments++}`, 1) }),
    isOurs: true,
  }),
  fanOut({
    name: '50 watchers x 500 updates by 16 connections: last event delivered',
    writers: connections,
    note: notes.writers,
  }),
  fanOut({
    name: '50 watchers x 500 updates by one connection: last event delivered',
    writers: 1,
    note: notes.oneWriter,
  }),
  {
    name: '1,000 watchers x 200 updates by 16 connections: last event delivered',
    against: '20 x the time of 50 watchers',
    unit: 'ms',
    bar: { kind: 'at most', ratio: 1.2 },
    note: notes.many,
    open: openManyWatchers,
  },
  getUnderWrites,
  getUnderFlood,
  floodOfBare,
  memoryFull,
  createOnEtcd,
  startFull,
];

export const group: Group = { title: 'API server', measurements };

type Open = ReturnType<Measurement['open']>;

async function openStart(): Open {
  const dataFolder = mkdtempSync(join(tmpdir(), 'wherry-bench-start-'));
  const start = () => launchWherry(dataFolder, ['--disable-agent']);
  // The first start makes certificates and fills the compile cache.
  for (let warm = 0; warm < 2; warm++) await (await start())[Symbol.asyncDispose]();
  return {
    async round() {
      const ours = await start();
      await ours[Symbol.asyncDispose]();
      await using bare = await startBare(ours);
      return { ours: ours.readyMs, theirs: bare.readyMs };
    },
    [Symbol.asyncDispose]: async () => rmSync(dataFolder, { recursive: true, force: true }),
  };
}

function fanOut({ name, writers, note }: { name: string; writers: number; note: string }): Measurement {
  return {
    name,
    against: 'bare Node HTTP/2 TLS server pushing the same bytes to 50 streams, for as many calls',
    unit: 'ms',
    bar: { kind: 'at most', ratio: 2 },
    note,
    open: () => openFanOut(writers),
  };
}

const watchedObjects = 50;

/** Makes the objects that watchers look at. Updates go to them in turn, so that writers do not get in each other's way. */
async function prepareWatched(target: Target): Promise<() => Call> {
  for (let index = 0; index < watchedObjects; index++)
    await call(target, { method: 'POST', path: configMaps, body: configMap(`watched-${index}`, 64) });
  let counter = 100_000;
  return () => ({
    method: 'PATCH',
    path: `${configMaps}/watched-${counter % watchedObjects}`,
    body: JSON.stringify({ data: { text: 'x'.repeat(1024), n: String(counter++) } }),
    contentType: 'application/merge-patch+json',
  });
}

const isLine = (chunk: Buffer) => countByte(chunk, 10);

/** Makes one more update, to know from where on to watch, and how an object looks. */
async function latest(target: Target, update: () => Call): Promise<{ object: string; watchPath: string }> {
  const object = (await call(target, update())).text();
  const { resourceVersion } = JSON.parse(object).metadata;
  return { object, watchPath: `${configMaps}?watch=true&resourceVersion=${resourceVersion}` };
}

async function openFanOut(writers: number): Open {
  const { ours, bare, stop } = await startBoth();
  const update = await prepareWatched(ours.target);
  return {
    async round() {
      const updates = Array.from({ length: 500 }, update);
      const { object, watchPath } = await latest(ours.target, update);
      const common = { watchers: 50, writers, countEvents: isLine };
      const oursMs = await measureFanOut({ ...common, target: ours.target, watchPath, updates });
      const line = `{"type":"MODIFIED","object":${object.trimEnd()}}\n`;
      const pushes = updates.map((): Call => ({ method: 'POST', path: '/send', body: line }));
      const theirsMs = await measureFanOut({ ...common, target: bare.target, watchPath: '/push', updates: pushes });
      return { ours: oursMs, theirs: theirsMs };
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function openManyWatchers(): Open {
  const server = await startWherry();
  const { target } = server;
  const update = await prepareWatched(target);
  const run = async (watchers: number) => {
    const { watchPath } = await latest(target, update);
    const updates = Array.from({ length: 200 }, update);
    return measureFanOut({ target, watchers, writers: connections, watchPath, updates, countEvents: isLine });
  };
  await run(50);
  return {
    round: async () => ({ theirs: 20 * (await run(50)), ours: await run(1000) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startBoth() {
  const ours = await startWherry();
  const bare = await startBare(ours);
  const stop = async () => {
    await bare[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
  };
  return { ours, bare, stop };
}

/** A measurement of calls per second on both servers, with answers of the size of `sample`'s. */
function pair(options: {
  name: string;
  against?: string;
  bar: number;
  note?: string;
  connections?: number;
  prepare?(target: Target): Promise<unknown>;
  sample(): Call;
  ours(index: number): Call;
  theirs(bytes: number): Call;
  /** True: compared with another call of the same server. */
  isOurs?: boolean;
}): Measurement {
  return {
    name: options.name,
    against: options.against ?? 'bare Node HTTP/2 TLS server sending the same bytes',
    unit: 'calls/s',
    bar: { kind: 'at least', ratio: options.bar },
    ...(options.note && { note: options.note }),
    async open() {
      const { ours, bare, stop } = await startBoth();
      await options.prepare?.(ours.target);
      const { bytes } = await call(ours.target, options.sample());
      let index = 0;
      const count = options.connections ?? connections;
      return {
        async round() {
          const mine: Served = { calls: 0, ms: 0, cpuUs: 0 };
          const other: Served = { calls: 0, ms: 0, cpuUs: 0 };
          // In short turns: a neighbour's burst of work then meets both.
          for (let turn = 0; turn < turns; turn++) {
            await serve(ours, mine, { connections: count, call: () => options.ours(index++) });
            await serve(options.isOurs ? ours : bare, other, { connections: count, call: () => options.theirs(bytes) });
          }
          const cpuUs = { ours: mine.cpuUs / mine.calls, theirs: other.cpuUs / other.calls };
          return { ours: (mine.calls * 1000) / mine.ms, theirs: (other.calls * 1000) / other.ms, cpuUs };
        },
        [Symbol.asyncDispose]: stop,
      };
    },
  };
}

/** What a server did in its turns of one round. */
interface Served {
  calls: number;
  ms: number;
  cpuUs: number;
}

async function serve(subject: Subject, sum: Served, load: { connections: number; call(): Call }): Promise<void> {
  const beforeUs = processorUs(subject.pid);
  const { calls, ms } = await measureRate({ ...load, seconds, target: subject.target });
  sum.calls += calls;
  sum.ms += ms;
  sum.cpuUs += processorUs(subject.pid) - beforeUs;
}

/** 5,000 pods of 4 KB that no scheduler looks at. */
async function makePods(target: Target): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(target)));
  let next = 0;
  const pod = (name: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations: { filler: 'x'.repeat(1684) } },
      spec: { schedulerName: 'none', containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', '1000'] }] },
    });
  const work = async (session: (typeof sessions)[number]) => {
    while (next < 5000) {
      const answer = await send(session, {
        method: 'POST',
        path: pods,
        body: pod(`pod-${next++}`),
      });
      if (answer.status !== 201) throw new Error(`creating pods: ${answer.status} ${answer.text()}`);
    }
  };
  await Promise.all(sessions.map(work));
  for (const session of sessions) session.close();
}
