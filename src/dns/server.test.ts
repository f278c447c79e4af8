import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { decode, encode, streamEncode } from 'dns-packet';
import { resources } from '#api';
import { createFakeDeps, settle } from '#client/testing';
import { startDns } from './start-dns.ts';
import {
  askTcp,
  askUdp,
  namespace,
  read,
  service,
  slice,
  startFakeUpstream,
  startTestDns,
  testConfig,
} from './testing.ts';

const web = service('web', { clusterIP: '10.43.0.5', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] });
const pods = service('pods', { clusterIP: 'None', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] });
const ask = (name: string, type: 'A' | 'AAAA' | 'SRV' = 'A', more = {}) => ({
  ...{ type: 'query' as const, id: 4711, flags: 0x100, questions: [{ type, name }] },
  ...more,
});

test('a service is answered by UDP and by TCP', async () => {
  await using server = await startTestDns([namespace('default'), web]);
  await server.deps.informers.whenSynced();
  for (const exchange of [server.udp, server.tcp]) {
    const reply = await exchange(ask('web.default.svc.cluster.local'));
    assert.equal(reply.rcode, 'NOERROR');
    assert.equal(reply.id, 4711);
    assert.deepEqual([reply.flag_aa, reply.flag_rd, reply.flag_ra, reply.flag_tc], [true, true, true, false]);
    assert.deepEqual(
      reply.answers?.map(one => ({ ...one })),
      [{ name: 'web.default.svc.cluster.local', type: 'A', ttl: 5, class: 'IN', flush: false, data: '10.43.0.5' }],
    );
  }
  assert.equal(server.dns.ready(), undefined);
});

test('the answer repeats the spelling of the question', async () => {
  await using server = await startTestDns([namespace('default'), web]);
  await server.deps.informers.whenSynced();
  const reply = await server.udp(ask('wEb.DEFAULT.svc.Cluster.Local'));
  assert.equal(reply.questions?.[0]?.name, 'wEb.DEFAULT.svc.Cluster.Local');
  assert.equal(reply.answers?.[0]?.name, 'wEb.DEFAULT.svc.Cluster.Local');
});

test('endpoints are followed as soon as the informer tells of them', async () => {
  await using server = await startTestDns([namespace('default'), pods, slice('pods-1', 'pods', [['10.42.0.7', 'a']])]);
  await server.deps.informers.whenSynced();
  const addresses = async () => {
    const { answers = [] } = await server.udp(ask('pods.default.svc.cluster.local'));
    return answers.map(one => 'data' in one && one.data).sort();
  };
  assert.deepEqual(await addresses(), ['10.42.0.7']);
  await server.deps.client.create(
    resources.endpointslices,
    slice('pods-2', 'pods', [['10.42.0.8'], ['10.42.0.9', 'b', false]]),
  );
  await settle();
  assert.deepEqual(await addresses(), ['10.42.0.7', '10.42.0.8']);
  await server.deps.client.delete(resources.endpointslices, { namespace: 'default', name: 'pods-1' });
  await settle();
  assert.deepEqual(await addresses(), ['10.42.0.8']);
});

test('a large answer is cut by UDP and whole by TCP', async () => {
  const endpoints = Array.from({ length: 100 }, (_, index) => [`10.42.1.${index}`] as const);
  await using server = await startTestDns([namespace('default'), pods, slice('pods-1', 'pods', endpoints)]);
  await server.deps.informers.whenSynced();
  const name = 'pods.default.svc.cluster.local';
  const plain = await askUdp(server.port, encode(ask(name)));
  assert.ok(plain.length <= 512);
  assert.equal(read(plain).flag_tc, true);
  // 12 header, 35 question, 16 each: compression lets 29 addresses in.
  assert.equal(read(plain).answers?.length, 29);
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0 } as never;
  const wide = await askUdp(server.port, encode(ask(name, 'A', { additionals: [opt] })));
  assert.ok(wide.length > 1100 && wide.length <= 1232, String(wide.length));
  const wider = await server.udp(
    ask(name, 'A', { additionals: [{ ...(opt as object), udpPayloadSize: 4096 } as never] }),
  );
  assert.deepEqual([wider.flag_tc, wider.answers?.length, wider.additionals?.[0]?.type], [false, 100, 'OPT']);
  const whole = await server.tcp(ask(name));
  assert.deepEqual([whole.flag_tc, whole.answers?.length], [false, 100]);
});

test('many questions on one connection are all answered', async () => {
  await using server = await startTestDns([namespace('default'), web]);
  await server.deps.informers.whenSynced();
  const socket = connect(server.port, '127.0.0.1');
  const frames = Array.from({ length: 200 }, (_, id) => {
    const message = encode(ask('web.default.svc.cluster.local', 'A', { id }));
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    return Buffer.concat([length, message]);
  });
  const bytes = Buffer.concat(frames);
  // Cut in odd places: messages do not come whole.
  for (let at = 0; at < bytes.length; at += 777) socket.write(bytes.subarray(at, at + 777));
  socket.end();
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const ids = new Set<number>();
  for (let rest = Buffer.concat(chunks); rest.length; rest = rest.subarray(2 + rest.readUInt16BE(0))) {
    ids.add(rest.readUInt16BE(2));
  }
  assert.equal(ids.size, 200);
});

test('what is not served is refused by its code', async () => {
  await using server = await startTestDns([]);
  const opcode = encode({ ...ask('a.cluster.local'), flags: 5 << 11 });
  assert.equal(read(await askUdp(server.port, opcode)).rcode, 'NOTIMP');
  const transfer = { ...ask('cluster.local'), questions: [{ type: 'AXFR' as const, name: 'cluster.local' }] };
  assert.equal((await server.tcp(transfer)).rcode, 'REFUSED');
  const chaos = {
    ...ask('version.bind'),
    questions: [{ type: 'TXT' as const, class: 'CH' as const, name: 'version.bind' }],
  };
  assert.equal((await server.udp(chaos)).rcode, 'REFUSED');
  const two = encode({
    ...ask('a.b'),
    questions: [
      { type: 'A', name: 'a.b' },
      { type: 'A', name: 'a.c' },
    ],
  });
  assert.equal(read(await askUdp(server.port, two)).rcode, 'FORMERR');
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 1, flags: 0 } as never;
  const later = await server.udp(ask('a.b', 'A', { additionals: [opt] }));
  assert.deepEqual([later.rcode, (later.additionals![0] as { extendedRcode: number }).extendedRcode], ['NOERROR', 1]);
});

test('answers and messages shorter than a header are dropped, and a connection that sends such is closed', async () => {
  await using server = await startTestDns([]);
  const dropped = encode({ ...ask('a.b'), type: 'response' });
  const kept = encode({ ...ask('a.b'), id: 2 });
  const socket = createSocket('udp4');
  const first = new Promise<Buffer>(resolve => socket.once('message', resolve));
  for (const message of [dropped, Buffer.from('short'), kept]) socket.send(message, server.port, '127.0.0.1');
  assert.equal(decode(await first).id, 2);
  socket.close();
  await assert.rejects(askTcp(server.port, Buffer.from([0, 3, 1, 2, 3])), { message: 'closed without an answer' });
});

test('before the first listing, names of the cluster fail for now and ready says what is missing', async () => {
  await using deps = createFakeDeps([namespace('default'), web]);
  let isSynced = false;
  const of: typeof deps.informers.of = (resource, options) => ({
    ...deps.informers.of(resource, options),
    synced: () => isSynced,
  });
  await using dns = await startDns(testConfig, { ...deps, informers: { ...deps.informers, of } });
  await deps.informers.whenSynced();
  const rcode = async (name: string) => read(await askUdp(dns.port, encode(ask(name)))).rcode;
  assert.equal(dns.ready(), 'services, endpoints and namespaces are not listed yet');
  assert.equal(await rcode('nothing.default.svc.cluster.local'), 'SERVFAIL');
  isSynced = true;
  assert.equal(dns.ready(), undefined);
  assert.equal(await rcode('nothing.default.svc.cluster.local'), 'NXDOMAIN');
});

test('without another name server, other names fail at once and names of the cluster still work', async () => {
  await using server = await startTestDns([namespace('default'), web]);
  await server.deps.informers.whenSynced();
  assert.equal((await server.udp(ask('example.com'))).rcode, 'SERVFAIL');
  assert.equal((await server.udp(ask('web.default.svc.cluster.local'))).rcode, 'NOERROR');
});

test('an address that is taken is named in the error, and nothing stays open', async () => {
  await using server = await startTestDns([]);
  await assert.rejects(startTestDns([], { port: server.port }), error => {
    assert.match(String(error), new RegExp(`DNS cannot listen on 127.0.0.1 port ${server.port}/UDP: .*EADDRINUSE`));
    return true;
  });
});

test('requests are counted by zone and code', async () => {
  await using server = await startTestDns([namespace('default'), web]);
  await server.deps.informers.whenSynced();
  await server.udp(ask('web.default.svc.cluster.local'));
  await server.udp(ask('nothing.default.svc.cluster.local'));
  const text = await server.deps.meter.text();
  assert.match(text, /dns_requests_total\{zone="cluster.local",rcode="NOERROR",protocol="udp"\} 1/);
  assert.match(text, /dns_requests_total\{zone="cluster.local",rcode="NXDOMAIN",protocol="udp"\} 1/);
});

test('another resolver understands every kind of answer', async () => {
  const outside = service('outside', { type: 'ExternalName', externalName: 'www.example.com' });
  const objects = [namespace('default'), web, pods, outside, slice('pods-1', 'pods', [['10.42.0.7', 'a']])];
  await using server = await startTestDns(objects);
  await server.deps.informers.whenSynced();
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${server.port}`]);
  const d = 'default.svc.cluster.local';
  assert.deepEqual(await resolver.resolve4(`web.${d}`), ['10.43.0.5']);
  assert.deepEqual(await resolver.resolveSrv(`_http._tcp.pods.${d}`), [
    { name: `a.pods.${d}`, port: 8080, priority: 0, weight: 100, type: 'SRV' } as never,
  ]);
  assert.deepEqual(await resolver.reverse('10.42.0.7'), [`a.pods.${d}`]);
  assert.deepEqual(await resolver.resolveTxt('dns-version.cluster.local'), [['1.1.0']]);
  assert.deepEqual(await resolver.resolveCname(`outside.${d}`), ['www.example.com']);
  assert.deepEqual(await resolver.resolveNs('cluster.local'), ['ns.dns.cluster.local']);
  assert.equal((await resolver.resolveSoa('cluster.local')).minttl, 5);
  await assert.rejects(resolver.resolve6(`web.${d}`), { code: 'ENODATA' });
  await assert.rejects(resolver.resolve4(`gone.${d}`), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolve4('example.com'), { code: 'ESERVFAIL' });
});

test('an asker that has said all gets its answer still, also when it takes time', async () => {
  const answers = [{ type: 'A' as const, name: 'www.example.com', ttl: 9, data: '192.0.2.1' }];
  const { promise, resolve } = Promise.withResolvers<void>();
  await using upstream = await startFakeUpstream(() => [{ answers }]);
  await using server = await startTestDns([], { upstreams: [upstream.text] });
  const socket = connect(server.port, '127.0.0.1');
  const first = new Promise<Buffer>((done, fail) => {
    socket.once('data', done);
    socket.once('close', () => fail(new Error('closed')));
  });
  socket.end(streamEncode(ask('www.example.com')), resolve);
  await promise;
  assert.equal(read((await first).subarray(2)).answers?.length, 1);
});

test('an idle connection is closed after ten seconds', async () => {
  await using server = await startTestDns([]);
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  // An answer tells that the server has seen the connection.
  socket.write(streamEncode(ask('a.cluster.local')));
  await once(socket, 'data');
  const closed = once(socket, 'close');
  await server.deps.clock.advance(10_000);
  await closed;
});

test('several addresses, also of both families, share one port', async t => {
  const addresses = ['127.0.0.1', '::1'];
  const server = await startTestDns([namespace('default'), web], { addresses }).catch(error => {
    if (/::1 .*(EADDRNOTAVAIL|EAFNOSUPPORT)/.test(String(error))) return undefined;
    throw error;
  });
  if (!server) return t.skip('this machine has no IPv6 loopback');
  await using running = server;
  await running.deps.informers.whenSynced();
  const resolver = new Resolver();
  for (const address of ['127.0.0.1', '[::1]']) {
    resolver.setServers([`${address}:${running.port}`]);
    assert.deepEqual(await resolver.resolve4('web.default.svc.cluster.local'), ['10.43.0.5']);
  }
  assert.deepEqual(await resolver.resolve6('ns.dns.cluster.local'), ['::1']);
});
