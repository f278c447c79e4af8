import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Question } from 'dns-packet';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { createMeter } from '#base';
import { createFakeClock, createFakeRandom, createRecordingLog } from '#base/testing';
import { createAnswerer } from './answer.ts';
import { createChain } from './chain.ts';
import { createClusterIndex } from './cluster-index.ts';
import { joinLinks } from './link.ts';
import { headerBytes, servfail } from './message.ts';
import { createDnsMeters } from './meters.ts';
import { namespace, service, slice } from './testing.ts';
import { listRecords, questionEnd } from './wire.ts';

const runs = 2000;

function createServer() {
  const [clock, log] = [createFakeClock(), createRecordingLog()];
  const view = createClusterIndex(() => clock.now());
  view.onNamespace({ type: 'added', object: namespace('default') });
  view.onService({ type: 'added', object: service('db', { clusterIP: 'None' }) });
  view.onSlice({
    type: 'added',
    object: slice(
      'db-1',
      'db',
      Array.from({ length: 60 }, (_, i) => [`10.42.0.${i}`]),
    ),
  });
  const meters = createDnsMeters(createMeter());
  const links = createChain({
    ...{ zone: 'cluster.local', view, isSynced: () => true, serverAddresses: ['10.43.0.10'], cidrs: ['10.42.0.0/16'] },
    ...{
      clock,
      random: createFakeRandom(),
      log,
      meters,
      upstreams: async () => [],
      signal: new AbortController().signal,
    },
  });
  const resolve = joinLinks(links, async () => servfail('.'));
  return { answer: createAnswerer({ resolve, meters, log }), log };
}

/** Dropped, or a response to this very message whose counts and bytes agree. */
async function check({ answer, log }: ReturnType<typeof createServer>, message: Buffer): Promise<void> {
  const before = Buffer.from(message);
  const reply = await answer(message, 'udp');
  assert.deepEqual(message, before);
  assert.deepEqual(log.records, []);
  if (!reply) return;
  assert.equal(reply.readUInt16BE(0), message.readUInt16BE(0));
  assert.ok(reply.readUInt16BE(2) & 0x8000);
  const end = reply.readUInt16BE(4) ? questionEnd(reply)! : headerBytes;
  assert.equal(listRecords(reply, end).at(-1)?.end ?? end, reply.length);
  decode(reply);
}

test('random bytes are dropped or answered well-formed', async () => {
  const server = createServer();
  const bytes = fc.uint8Array({ maxLength: 600 }).map(array => Buffer.from(array));
  await fc.assert(
    fc.asyncProperty(bytes, message => check(server, message)),
    { numRuns: runs },
  );
});

test('queries with bytes changed, cut or added are dropped or answered well-formed', async () => {
  const server = createServer();
  const name = fc.constantFrom('db.default.svc.cluster.local', 'cluster.local', '1.0.42.10.in-addr.arpa', 'a.b', '.');
  const type = fc.constantFrom<Question['type'][]>('A', 'AAAA', 'SRV', 'SOA', 'NS', 'PTR', 'TXT', 'AXFR', 'OPT');
  const size = fc.nat(65535);
  const changes = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 3 });
  const cut = fc.integer({ min: -20, max: 20 });
  const hasEdns = fc.boolean();
  await fc.assert(
    fc.asyncProperty(name, type, size, changes, cut, hasEdns, async (asked, kind, sizeBytes, edits, end, edns) => {
      const opt = {
        ...{ type: 'OPT', name: '.', extendedRcode: 0, ednsVersion: 0, flags: 0 },
        udpPayloadSize: sizeBytes,
      };
      const packet = encode({ questions: [{ name: asked, type: kind }], additionals: edns ? [opt as never] : [] });
      const message = Buffer.from(end < 0 ? packet.subarray(0, end) : Buffer.concat([packet, Buffer.alloc(end)]));
      for (const [at, value] of edits) if (at < message.length && at !== 2) message[at] = value;
      await check(server, message);
    }),
    { numRuns: runs },
  );
});

test('labels of any bytes are given back as they came', async () => {
  const server = createServer();
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
  await fc.assert(
    fc.asyncProperty(fc.array(label, { maxLength: 3 }), fc.boolean(), async (labels, isInZone) => {
      const zone = isInZone ? [encodeLabels(['clustEr', 'local'])] : [];
      const parts = labels.map(one => Buffer.concat([Buffer.from([one.length]), one]));
      const question = Buffer.concat([...parts, ...zone, Buffer.from([0, 0, 1, 0, 1])]);
      const message = Buffer.concat([Buffer.from('123401000001000000000000', 'hex'), question]);
      const reply = await server.answer(message, 'udp');
      assert.deepEqual(reply!.subarray(12, 12 + question.length), question);
      await check(server, message);
    }),
    { numRuns: 500 },
  );
});

function encodeLabels(labels: readonly string[]): Buffer {
  return Buffer.concat(labels.map(label => Buffer.from(String.fromCharCode(label.length) + label)));
}
