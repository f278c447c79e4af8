/** How long one client waits while others keep the server busy. */
import { startBackground } from './background.ts';
import { call, configMap, configMaps } from './calls.ts';
import { type Call, openSession, send, type Target } from './load.ts';
import type { Measurement } from './measurement.ts';
import { startBare, startWherry } from './subjects.ts';

/** A client that asks at its own pace, whatever becomes of its calls. */
const everyMs = 5;
const seconds = 4;

export const getUnderWrites: Measurement = {
  name: 'GET every 5 ms, p99, while 8 clients create ConfigMaps of 1 KB flat out',
  against: 'the same without writers',
  unit: 'ms',
  bar: { kind: 'at most', ratio: 3 },
  note:
    'The writers are a process of their own. With server and measuring client there is more to do than the machine has processors, so that the number also tells how the kernel ' +
    'shares them out.',
  async open() {
    await using cleanup = new AsyncDisposableStack();
    const { target } = cleanup.use(await startWherry());
    await call(target, { method: 'POST', path: configMaps, body: configMap('one', 1024) });
    const read: Call = { method: 'GET', path: `${configMaps}/one` };
    const write: Call = { method: 'POST', path: configMaps, body: configMap('made-{n}', 1024) };
    const everything = cleanup.move();
    return {
      round: () => compare(target, read, { connections: 8, streams: 1, call: write }),
      [Symbol.asyncDispose]: () => everything.disposeAsync(),
    };
  },
};

export const getUnderFlood: Measurement = {
  name: "GET every 5 ms by one service account, p99, while another's 256 requests are always under way",
  against: 'the same without the flood',
  unit: 'ms',
  bar: { kind: 'at most', ratio: 2 },
  note:
    'Both are in the flow schema service-accounts: fair queues and the gate of a turn (a decision page has them) stand between them. What a request costs before it can be told to wait, which ' +
    'is TLS, HTTP/2 and authentication, is not shared out, and the flooding client takes a processor away from the server.',
  async open() {
    await using cleanup = new AsyncDisposableStack();
    const { target } = cleanup.use(await startWherry());
    const { anonymous, modest, greedy } = await prepare(target);
    const everything = cleanup.move();
    return {
      round: () => compare(anonymous, modest, { ...floodLoad, call: greedy }),
      [Symbol.asyncDispose]: () => everything.disposeAsync(),
    };
  },
};

/** What of the number above is the machine's. */
export const floodOfBare: Measurement = {
  name: 'GET every 5 ms, p99, under that flood',
  against: 'bare Node HTTP/2 TLS server under the same flood',
  unit: 'ms',
  bar: { kind: 'at most', ratio: 1.5 },
  note:
    'Why the row above falls short: a server that asks nobody anything and answers at once does no better. With a client that floods, one that measures and the server, two processors have ' +
    'three busy processes.',
  async open() {
    await using cleanup = new AsyncDisposableStack();
    const wherry = cleanup.use(await startWherry());
    const bare = cleanup.use(await startBare(wherry));
    const { anonymous, modest, greedy } = await prepare(wherry.target);
    const path = `/bytes/${(await call(wherry.target, { method: 'GET', path: modest.path })).bytes}`;
    const everything = cleanup.move();
    return {
      async round() {
        const ours = await underFlood(anonymous, modest, greedy);
        return { ours, theirs: await underFlood(bare.target, { ...modest, path }, { ...greedy, path }) };
      },
      [Symbol.asyncDispose]: () => everything.disposeAsync(),
    };
  },
};

/** An object that two service accounts may read, and how they ask for it. */
async function prepare(target: Target): Promise<{ anonymous: Target; modest: Call; greedy: Call }> {
  await call(target, { method: 'POST', path: configMaps, body: configMap('one', 1024) });
  await call(target, { method: 'POST', path: bindings, body: JSON.stringify(everybodyReads) });
  const read = async (account: string): Promise<Call> => {
    const headers = { authorization: `Bearer ${await createAccount(target, account)}` };
    return { method: 'GET', path: `${configMaps}/one`, headers };
  };
  const anonymous = { ...target, credentials: { ca: target.credentials.ca } };
  return { anonymous, modest: await read('modest'), greedy: await read('greedy') };
}

async function underFlood(target: Target, paced: Call, flood: Call): Promise<number> {
  const background = await startBackground({ target, ...floodLoad, call: flood });
  const p99 = await p99Of(target, paced);
  await background[Symbol.asyncDispose]();
  return p99;
}

const floodLoad = { connections: 8, streams: 32 };

const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
const everybodyReads = {
  metadata: { name: 'bench-view' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:serviceaccounts' }],
};

/** Makes a service account; resolves with a token of it. */
async function createAccount(target: Target, name: string): Promise<string> {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await call(target, { method: 'POST', path: accounts, body: JSON.stringify({ metadata: { name } }) });
  const asked = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
  const answer = await call(target, { method: 'POST', path: `${accounts}/${name}/token`, body: asked });
  return JSON.parse(answer.text()).status.token;
}

/** The p99 of the paced client under the load, and without. */
async function compare(target: Target, paced: Call, load: { connections: number; streams: number; call: Call }) {
  const theirs = await p99Of(target, paced);
  const background = await startBackground({ ...load, target });
  const ours = await p99Of(target, paced);
  await background[Symbol.asyncDispose]();
  return { ours, theirs };
}

async function p99Of(target: Target, paced: Call): Promise<number> {
  const session = await openSession(target);
  // Compiled code and an authenticated client, as in any longer run.
  for (let warm = 0; warm < 100; warm++) await timed(session, paced);
  const taken: Promise<number>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < (seconds * 1000) / everyMs; index++) {
    const waitMs = startMs + index * everyMs - performance.now();
    if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, waitMs));
    taken.push(timed(session, paced));
  }
  const sorted = (await Promise.all(taken)).sort((a, b) => a - b);
  session.close();
  return sorted[Math.floor(sorted.length * 0.99)]!;
}

async function timed(session: Awaited<ReturnType<typeof openSession>>, paced: Call): Promise<number> {
  const startMs = performance.now();
  const { status, text } = await send(session, paced);
  if (status !== 200) throw new Error(`${paced.path}: ${status} ${text()}`);
  return performance.now() - startMs;
}
