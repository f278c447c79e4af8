/** Measurements of the API server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, measureFanOut, measureRate, openSession, send, type Target } from './load.ts';
import type { Measurement } from './measurement.ts';
import { launchWherry, startBare, startWherry } from './subjects.ts';

const connections = 16;
const seconds = 3;
const configMaps = '/api/v1/namespaces/default/configmaps';

const configMap = (name: string, sizeBytes: number) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text: 'x'.repeat(sizeBytes) } });

export const apiMeasurements: readonly Measurement[] = [
  {
    name: 'process start of `server --disable-agent` to /readyz 200',
    against: 'start of a bare Node HTTPS server to its first answer',
    unit: 'ms',
    bar: { kind: 'at most', ratio: 5 },
    async open() {
      const dataFolder = mkdtempSync(join(tmpdir(), 'wherry-bench-start-'));
      // The first start makes certificates and fills the compile cache.
      for (let warm = 0; warm < 2; warm++) await (await launchWherry(dataFolder, ['--disable-agent']))[Symbol.asyncDispose]();
      return {
        async round() {
          const ours = await launchWherry(dataFolder, ['--disable-agent']);
          await using bare = await startBare(ours);
          await ours[Symbol.asyncDispose]();
          return { ours: ours.readyMs, theirs: bare.readyMs };
        },
        [Symbol.asyncDispose]: async () => rmSync(dataFolder, { recursive: true, force: true }),
      };
    },
  },
  pair({
    name: 'GET one object, 16 connections, client certificate',
    bar: 0.5,
    prepare: target => call(target, { method: 'POST', path: configMaps, body: configMap('one', 1024) }),
    ours: () => ({ method: 'GET', path: `${configMaps}/one` }),
    theirs: bytes => ({ method: 'GET', path: `/bytes/${bytes}` }),
  }),
  pair({
    name: 'CREATE ConfigMap 1 KB, 16 connections, durable',
    bar: 0.35,
    ours: index => ({ method: 'POST', path: configMaps, body: configMap(`made-${index}`, 1024) }),
    theirs: () => ({ method: 'POST', path: '/echo', body: configMap('made-000000', 1024) }),
  }),
  pair({
    name: 'LIST 5,000 pods of 4 KB, JSON',
    bar: 0.7,
    connections: 2,
    prepare: makePods,
    ours: () => ({ method: 'GET', path: '/api/v1/namespaces/default/pods' }),
    theirs: bytes => ({ method: 'GET', path: `/bytes/${bytes}` }),
  }),
  {
    name: '50 watchers x 500 updates: last event delivered',
    against: 'bare server pushing the same bytes to 50 streams',
    unit: 'ms',
    bar: { kind: 'at most', ratio: 2 },
    async open() {
      const ours = await startWherry();
      const bare = await startBare(ours);
      await call(ours.target, { method: 'POST', path: configMaps, body: configMap('watched', 64) });
      let counter = 0;
      return {
        async round() {
          const updates = Array.from({ length: 500 }, (): Call => {
            const body = JSON.stringify({ data: { text: 'x'.repeat(1024), n: String(counter++) } });
            return { method: 'PATCH', path: `${configMaps}/watched`, body, contentType: 'application/merge-patch+json' };
          });
          const revision = await currentRevision(ours.target);
          const common = { watchers: 50, countEvents: (chunk: Buffer) => countByte(chunk, 10) };
          const watchPath = `${configMaps}?watch=true&resourceVersion=${revision}`;
          const oursMs = await measureFanOut({ ...common, target: ours.target, watchPath, updates });
          const line = `${JSON.stringify({ type: 'MODIFIED', object: JSON.parse(configMap('watched', 1024 + 350)) })}\n`;
          const pushes = updates.map((): Call => ({ method: 'POST', path: '/send', body: line }));
          const theirsMs = await measureFanOut({ ...common, target: bare.target, watchPath: '/push', updates: pushes });
          return { ours: oursMs, theirs: theirsMs };
        },
        async [Symbol.asyncDispose]() {
          await bare[Symbol.asyncDispose]();
          await ours[Symbol.asyncDispose]();
        },
      };
    },
  },
];

/** A measurement of calls per second on both servers, with answers of the same size. */
function pair(options: {
  name: string;
  bar: number;
  connections?: number;
  prepare?(target: Target): Promise<unknown>;
  ours(index: number): Call;
  theirs(bytes: number): Call;
}): Measurement {
  return {
    name: options.name,
    against: 'bare Node HTTP/2 TLS server, same bytes',
    unit: 'calls/s',
    bar: { kind: 'at least', ratio: options.bar },
    async open() {
      const ours = await startWherry();
      const bare = await startBare(ours);
      await options.prepare?.(ours.target);
      let index = 0;
      const { bytes } = await call(ours.target, options.ours(index++));
      const common = { connections: options.connections ?? connections, seconds };
      return {
        async round() {
          const oursRate = await measureRate({ ...common, target: ours.target, call: () => options.ours(index++) });
          const theirsRate = await measureRate({ ...common, target: bare.target, call: () => options.theirs(bytes) });
          return { ours: oursRate, theirs: theirsRate };
        },
        async [Symbol.asyncDispose]() {
          await bare[Symbol.asyncDispose]();
          await ours[Symbol.asyncDispose]();
        },
      };
    },
  };
}

async function call(target: Target, request: Call): Promise<{ status: number; bytes: number }> {
  const session = await openSession(target);
  const answer = await send(session, request);
  session.close();
  if (answer.status >= 300) throw new Error(`${request.method} ${request.path}: ${answer.status} ${answer.text()}`);
  return answer;
}

/** 5,000 pods of 4 KB that no scheduler looks at. */
async function makePods(target: Target): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(target)));
  let next = 0;
  const pod = (name: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations: { filler: 'x'.repeat(2600) } },
      spec: { schedulerName: 'none', containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', '1000'] }] },
    });
  const work = async (session: (typeof sessions)[number]) => {
    while (next < 5000) {
      const answer = await send(session, { method: 'POST', path: '/api/v1/namespaces/default/pods', body: pod(`pod-${next++}`) });
      if (answer.status !== 201) throw new Error(`creating pods: ${answer.status} ${answer.text()}`);
    }
  };
  await Promise.all(sessions.map(work));
  for (const session of sessions) session.close();
}

async function currentRevision(target: Target): Promise<string> {
  const session = await openSession(target);
  const stream = session.request({ ':path': `${configMaps}/watched` });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  session.close();
  return JSON.parse(Buffer.concat(chunks).toString()).metadata.resourceVersion;
}

function countByte(chunk: Buffer, byte: number): number {
  let count = 0;
  for (let at = chunk.indexOf(byte); at >= 0; at = chunk.indexOf(byte, at + 1)) count++;
  return count;
}
