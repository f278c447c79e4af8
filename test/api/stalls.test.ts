/**
 * Nobody can hold up the others: whatever a client sends, no turn of the server's event loop takes longer than 50 ms.
 *
 * The server runs in a thread of its own. A timer fires there every millisecond, and the longest turn is the most CPU time of that thread between two of its ticks, as
 * the kernel counts it: what other threads and other programs take meanwhile does not count, so that the bound holds on a busy machine, too. Processors share caches and
 * clock rates, though: a task whose CPU time is known is timed beside each input, and the bound grows by as much as that takes longer than on the machine alone. The
 * collector of garbage works when it wants to: an input is tried up to three times, and the best turn counts. STALLS=print shows all.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Answer, Call } from './fixture.ts';
import { sendHttp1 } from './fixture.ts';
import { bodyCases } from './stall-bodies.ts';
import type { StallCase } from './stall-cases.ts';
import { pods, post } from './stall-cases.ts';
import { definitionCases } from './stall-definitions.ts';
import { deepCases } from './stall-depths.ts';
import { documentCases } from './stall-documents.ts';
import { formCases } from './stall-forms.ts';
import { listCases, manyPods } from './stall-lists.ts';
import { hooked, hookedCases, mutationCases, startMutatingWebhook } from './stall-mutations.ts';
import { policyCases } from './stall-policies.ts';
import { ruleCases } from './stall-rules.ts';
import type { Address, Stall } from './stall-server.ts';

const boundMs = 50;
/** CPU time of the known task on two cores of a server (AMD EPYC) that have nothing else to do. */
const aloneMs = 42;
const tries = 3;

let worker: Worker;
let address: Address;

before(async () => {
  worker = new Worker(new URL('stall-server.ts', import.meta.url));
  [address] = (await once(worker, 'message')) as [Address];
});

after(async () => {
  worker.postMessage('stop');
  await once(worker, 'exit');
});

function send(call: Call): Promise<Answer> {
  const { port, ca, certificate, key } = address;
  return sendHttp1({ port, ca, admin: { pair: { certificate, key } } }, call);
}

/** How much longer than alone the machine takes now; never less than 1. */
function slowness(): number {
  const members = Array.from({ length: 20_000 }, (_, index) => [`member-${index}`, { text: 'some text', index }]);
  const object = Object.fromEntries(members);
  const start = process.threadCpuUsage();
  for (let count = 0; count < 3; count++) JSON.parse(JSON.stringify(object));
  const { user, system } = process.threadCpuUsage(start);
  return Math.max(1, (user + system) / 1000 / aloneMs);
}

/** The longest turn since the last question. */
async function takeStall(): Promise<Stall> {
  worker.postMessage('take');
  const [stall] = (await once(worker, 'message')) as [Stall];
  return stall;
}

/** A definition is served a moment after it was made. */
async function untilServed(path: string): Promise<void> {
  while ((await send({ path })).status !== 200) await takeStall();
}

async function sendAll(calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    const answer = await send(call);
    assert.ok(answer.status < 300, answer.text.slice(0, 500));
  }
}

async function prepare({ before: calls = [], ready }: StallCase): Promise<void> {
  await sendAll(calls);
  if (ready) await untilServed(ready);
}

/** Makes room for another try of what has made an object. */
async function undo(call: Call, answer: Answer): Promise<void> {
  // What is made in protobuf gets another name at each try.
  if (answer.status !== 201 || !answer.json) return;
  const [path] = call.path.split('?');
  const own = call.method === 'POST' ? `${path}/${answer.json.metadata.name}` : path!;
  await send({ method: 'DELETE', path: own });
  while ((await send({ path: own })).status !== 404) await takeStall();
}

/** Makes everything ready for one more try, and gives its request. */
async function prepareTry({ change, find, call }: StallCase, attempt: number): Promise<Call> {
  if (change) await sendAll(change(attempt));
  const found = find && (await send({ path: find })).json;
  return typeof call === 'function' ? call(attempt, found) : call;
}

async function measure(one: StallCase): Promise<void> {
  const { name, status } = one;
  let bestMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < tries && bestMs > boundMs; attempt++) {
    const slow = slowness();
    const call = await prepareTry(one, attempt);
    await takeStall();
    const answer = await send(call);
    const { cpuMs: measuredMs, wallMs } = await takeStall();
    const cpuMs = measuredMs / Math.max(slow, slowness());
    if (process.env['STALLS']) {
      const times = `${cpuMs.toFixed(0).padStart(5)} ms (${measuredMs.toFixed(0)} taken, ${wallMs.toFixed(0)} by the clock)`;
      process.stdout.write(`${times} ${answer.status} ${name}\n`);
    }
    const text = `${answer.status} ${answer.text.slice(0, 500)}`;
    assert.ok([status].flat().includes(answer.status), text);
    bestMs = Math.min(bestMs, cpuMs);
    if (bestMs > boundMs && attempt + 1 < tries) await undo(call, answer);
  }
  assert.ok(bestMs <= boundMs, `a turn took ${bestMs.toFixed(1)} ms of CPU time`);
}

function describeStalls(title: string, cases: readonly StallCase[]): void {
  describe(title, () => {
    for (const one of cases) {
      test(one.name, async () => {
        await prepare(one);
        await measure(one);
      });
    }
  });
}

// The first request of a kind compiles what it needs; that is not what is measured.
test('the server answers', async () => {
  await send(post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } }));
  const answer = await send({ path: pods });
  assert.equal(answer.status, 200);
});

describeStalls('CEL rules', ruleCases);
describeStalls('admission policies', policyCases);
describeStalls('definitions and patterns', definitionCases);
describeStalls('large bodies', bodyCases);
describeStalls('deep bodies', deepCases);
describeStalls('documents', documentCases);
describeStalls('other forms', formCases);
describeStalls('policies that change objects', mutationCases);

describe('webhooks that change objects', () => {
  let webhook: Awaited<ReturnType<typeof startMutatingWebhook>>;
  before(async () => {
    webhook = await startMutatingWebhook(hooked.plural, hooked.operations);
    for (const call of [hooked.definition, webhook.call]) assert.equal((await send(call)).status, 201);
  });
  after(() => webhook[Symbol.asyncDispose]());
  describeStalls('in one piece', hookedCases);
});

describe('lists and watches of 3,000 pods', () => {
  before(async () => {
    for (const batch of manyPods(3000, 50)) await Promise.all(batch.map(send));
  });
  describeStalls('in all forms', listCases);
});
