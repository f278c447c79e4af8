import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Packet } from 'dns-packet';
import { encode } from 'dns-packet';
import { createMeter } from '#base';
import { createFakeClock, createFakeRandom, createRecordingLog } from '#base/testing';
import { createCache } from './cache.ts';
import { createForward } from './forward.ts';
import { joinLinks } from './link.ts';
import type { Query, Reply } from './message.ts';
import { rcodeOf } from './message.ts';
import { createDnsMeters } from './meters.ts';
import { parseQuery } from './parse-query.ts';
import { parseUpstream } from './resolv-conf.ts';
import { askUdp, namespace, read, service, startFakeUpstream, startTestDns } from './testing.ts';

const ask = (name: string, type: 'A' | 'AAAA' | 'MX' = 'A', more: Packet = {}) => ({
  ...{ type: 'query' as const, id: 99, flags: 0x100, questions: [{ type, name }] },
  ...more,
});
const a = (name: string, data = '192.0.2.1', ttl = 20): Answer => ({ type: 'A', name, ttl, data });
const soa = (minimum: number): Answer => ({
  ...{ type: 'SOA', name: 'example.com', ttl: 600 },
  data: { mname: 'ns.example.com', rname: 'root.example.com', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});
const opt = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 4096,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  options: [],
} as never;
const dead = '127.0.0.1:9';

test('another name is asked upstream and the answer passed on', async () => {
  await using upstream = await startFakeUpstream(({ name }) => [{ answers: [a(name)], flags: 0x80 }]);
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  const reply = await server.udp(ask('wWw.Example.com'));
  assert.deepEqual(
    [reply.rcode, reply.id, reply.flag_ra, reply.questions?.[0]?.name],
    ['NOERROR', 99, true, 'wWw.Example.com'],
  );
  assert.deepEqual(
    reply.answers?.map(one => 'data' in one && one.data),
    ['192.0.2.1'],
  );
  assert.match(await server.deps.meter.text(), /dns_forward_seconds_count\{to="127.0.0.1:\d+",outcome="answered"\} 1/);
});

test('a second question is answered from the cache, in its own spelling and with what is left of the time', async () => {
  await using upstream = await startFakeUpstream(({ name }) => [{ answers: [a(name, '192.0.2.1', 3600)] }]);
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  const ttl = (packet: { answers?: Answer[] | undefined }) => (packet.answers![0] as { ttl: number }).ttl;
  assert.equal(ttl(await server.udp(ask('www.example.com'))), 30);
  await server.deps.clock.advance(10_000);
  const again = await server.udp(ask('WWW.example.com', 'A', { id: 7 }));
  assert.deepEqual([again.id, again.questions?.[0]?.name, ttl(again)], [7, 'WWW.example.com', 20]);
  assert.equal(upstream.asked.length, 1);
  await server.deps.clock.advance(20_000);
  await server.udp(ask('www.example.com'));
  assert.equal(upstream.asked.length, 2);
  assert.match(await server.deps.meter.text(), /dns_cache_lookups_total\{result="hit"\} 1/);
});

test('"no such name" is kept as long as its SOA says, without SOA not at all', async () => {
  await using upstream = await startFakeUpstream(({ name }) => [
    { flags: 3, authorities: name.startsWith('kept') ? [soa(4)] : [] },
  ]);
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  for (const name of ['kept.example.com', 'kept.example.com', 'not.example.com', 'not.example.com']) {
    assert.equal((await server.udp(ask(name))).rcode, 'NXDOMAIN');
  }
  assert.deepEqual(
    upstream.asked.map(text => text.split(' ')[1]),
    ['kept.example.com', 'not.example.com', 'not.example.com'],
  );
  await server.deps.clock.advance(4000);
  await server.udp(ask('kept.example.com'));
  assert.equal(upstream.asked.length, 4);
});

test('an answer cut by UDP is asked again by TCP, and cut for an asker that takes less', async () => {
  const many = (name: string) => Array.from({ length: 60 }, (_, index) => a(name, `192.0.2.${index}`));
  await using upstream = await startFakeUpstream(({ name, protocol }) =>
    protocol === 'udp' ? [{ flags: 0x200, answers: [a(name)] }] : [{ answers: many(name) }],
  );
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  const whole = await server.tcp(ask('big.example.com'));
  assert.deepEqual([whole.answers?.length, whole.flag_tc], [60, false]);
  const cut = await askUdp(server.port, encode(ask('big.example.com')));
  assert.equal(read(cut).flag_tc, true);
  assert.ok(cut.length <= 512 && read(cut).answers!.length > 5);
  assert.deepEqual(upstream.asked, ['udp big.example.com A', 'tcp big.example.com A']);
});

test('answers with another identifier or another question are passed over', async () => {
  await using upstream = await startFakeUpstream(({ name, query }) => [
    { id: query.id ^ 1, answers: [a(name, '203.0.113.1')] },
    { questions: [{ type: 'A', name: 'evil.example.com' }], answers: [a('evil.example.com', '203.0.113.2')] },
    Buffer.from('not a message'),
    encode({ ...query, type: 'query' }),
    { answers: [a(name)] },
  ]);
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  const reply = await server.udp(ask('www.example.com'));
  assert.deepEqual(
    reply.answers?.map(one => 'data' in one && one.data),
    ['192.0.2.1'],
  );
});

test('a closed port sends the question to the next server at once', async () => {
  await using upstream = await startFakeUpstream(({ name }) => [{ answers: [a(name)] }]);
  await using server = await startTestDns([], { upstreams: [dead, upstream.text] });
  assert.equal((await server.udp(ask('www.example.com'))).rcode, 'NOERROR');
});

test('a server that fails or refuses is asked once, and the next one answers', async () => {
  await using failing = await startFakeUpstream(() => [{ flags: 2 }]);
  await using upstream = await startFakeUpstream(({ name }) => [{ answers: [a(name)] }]);
  await using server = await startTestDns([], { upstreams: [failing.text, upstream.text] });
  assert.equal((await server.udp(ask('www.example.com'))).rcode, 'NOERROR');
  assert.equal(failing.asked.length, 1);
});

test('when all refuse, the asker is told so', async () => {
  await using upstream = await startFakeUpstream(() => [{ flags: 5 }]);
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  assert.equal((await server.udp(ask('www.example.com'))).rcode, 'REFUSED');
});

test('a silent server is given two seconds, then the next is asked, and the silent one last for a while', async () => {
  await using silent = await startFakeUpstream(() => undefined);
  await using upstream = await startFakeUpstream(({ name }) => [{ answers: [a(name)] }]);
  await using server = await startTestDns([], { upstreams: [silent.text, upstream.text] });
  const reply = server.udp(ask('www.example.com'));
  await silent.whenAsked(1);
  await server.deps.clock.advance(1999);
  assert.equal(upstream.asked.length, 0);
  await server.deps.clock.advance(1);
  assert.equal((await reply).rcode, 'NOERROR');
  assert.equal((await server.udp(ask('other.example.com'))).rcode, 'NOERROR');
  assert.equal(silent.asked.length, 1);
});

test('silence everywhere ends in SERVFAIL after two tries of one server', async () => {
  await using silent = await startFakeUpstream(() => undefined);
  await using server = await startTestDns([], { upstreams: [silent.text] });
  const reply = server.udp(ask('www.example.com'));
  for (const count of [1, 2]) {
    await silent.whenAsked(count);
    await server.deps.clock.advance(2000);
  }
  assert.equal((await reply).rcode, 'SERVFAIL');
  assert.equal(silent.asked.length, 2);
});

test('equal questions that wait together are asked once', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  const cache = createCache({ clock: createFakeClock(), lookups: { add: () => undefined } });
  const end = async (): Promise<Reply> => {
    asked++;
    await promise;
    return { zone: '.', rcode: 2 };
  };
  const all = Promise.all([1, 2, 3].map(() => joinLinks([cache], end)(queryOf('www.example.com'))));
  resolve();
  await all;
  assert.equal(asked, 1);
});

test('the cache has a bound, and what was not used longest goes', async () => {
  let asked = 0;
  const cache = createCache({ clock: createFakeClock(), lookups: { add: () => undefined }, maxEntries: 2 });
  const resolve = joinLinks([cache], async query => {
    asked++;
    const { name } = query;
    return { zone: '.', wire: encode({ type: 'response', questions: [{ type: 'A', name }], answers: [a(name)] }) };
  });
  for (const name of ['one', 'two', 'one', 'three', 'one']) await resolve(queryOf(name));
  assert.equal(asked, 3);
  await resolve(queryOf('two'));
  assert.equal(asked, 4);
});

test('beyond the limit of waiting questions the answer is SERVFAIL at once', async () => {
  await using silent = await startFakeUpstream(() => undefined);
  const [clock, stop] = [createFakeClock(), new AbortController()];
  const forward = createForward({
    ...{ clock, random: createFakeRandom(), log: createRecordingLog(), signal: stop.signal, limit: 1 },
    upstreams: async () => [parseUpstream(silent.text)],
    seconds: createDnsMeters(createMeter()).forwardSeconds,
  });
  const resolve = joinLinks([forward], async () => ({ zone: '.', rcode: 0 }));
  const first = resolve(queryOf('one.example.com'));
  await silent.whenAsked(1);
  assert.equal(rcodeOf(await resolve(queryOf('two.example.com'))), 2);
  stop.abort(new Error('stopped'));
  assert.equal(rcodeOf(await first), 2);
  assert.equal(clock.pending, 0);
});

test('EDNS is spoken upstream only for an asker that speaks it, and its record is our own', async () => {
  const sizes: (number | undefined)[] = [];
  await using upstream = await startFakeUpstream(({ name, query }) => {
    const [theirs] = (query.additionals ?? []) as { udpPayloadSize: number }[];
    sizes.push(theirs?.udpPayloadSize);
    return [{ answers: [a(name)], additionals: [...(theirs ? [opt] : []), a('extra.example.com')] }];
  });
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  const plain = await server.udp(ask('plain.example.com'));
  const extended = await server.udp(ask('extended.example.com', 'A', { additionals: [opt] }));
  assert.deepEqual(sizes, [undefined, 1232]);
  assert.deepEqual(
    plain.additionals?.map(({ type }) => type),
    ['A'],
  );
  assert.deepEqual(
    extended.additionals?.map(({ type }) => type),
    ['OPT'],
  );
});

test('an ExternalName outside the zone is answered with what its name server says', async () => {
  const outside = service('outside', { type: 'ExternalName', externalName: 'www.example.com' });
  const broken = service('broken', { type: 'ExternalName', externalName: 'broken.example.com' });
  await using upstream = await startFakeUpstream(({ name }) =>
    name.startsWith('broken')
      ? [{ flags: 2 }]
      : [{ answers: [{ type: 'CNAME', name, ttl: 9, data: 'real.example.com' }, a('real.example.com')] }],
  );
  await using server = await startTestDns([namespace('default'), outside, broken], { upstreams: [upstream.text] });
  await server.deps.informers.whenSynced();
  const reply = await server.udp(ask('outside.default.svc.cluster.local'));
  assert.deepEqual(
    reply.answers?.map(one => [one.name, one.type, 'data' in one && one.data]),
    [
      ['outside.default.svc.cluster.local', 'CNAME', 'www.example.com'],
      ['www.example.com', 'CNAME', 'real.example.com'],
      ['real.example.com', 'A', '192.0.2.1'],
    ],
  );
  assert.equal((await server.udp(ask('broken.default.svc.cluster.local'))).rcode, 'SERVFAIL');
});

test('it never asks itself', async () => {
  await using first = await startTestDns([]);
  // Its own address and port, which it has from the start.
  await first.dns[Symbol.asyncDispose]();
  await using server = await startTestDns([], { port: first.port, upstreams: [`127.0.0.1:${first.port}`] });
  assert.equal((await server.udp(ask('www.example.com'))).rcode, 'SERVFAIL');
  assert.doesNotMatch(await server.deps.meter.text(), /dns_forward_seconds_count\{/);
});

test('stopping ends questions that wait', async () => {
  await using silent = await startFakeUpstream(() => undefined);
  const server = await startTestDns([], { upstreams: [silent.text] });
  const reply = server.tcp(ask('www.example.com'));
  const ended = assert.rejects(reply);
  await silent.whenAsked(1);
  await server[Symbol.asyncDispose]();
  await ended;
  assert.equal(server.deps.clock.pending, 0);
});

function queryOf(name: string): Query {
  const parsed = parseQuery(encode({ questions: [{ name, type: 'A' }] }));
  assert.ok(parsed !== 'drop' && 'query' in parsed);
  return parsed.query;
}
