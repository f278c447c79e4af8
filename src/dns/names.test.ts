import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Question } from 'dns-packet';
import { encode } from 'dns-packet';
import type { EndpointSlice, Namespace, Service } from '#api';
import { createFakeRandom } from '#base/testing';
import { createClusterIndex } from './cluster-index.ts';
import { createClusterZone } from './cluster-zone.ts';
import { joinLinks } from './link.ts';
import type { Query, RecordReply } from './message.ts';
import { rcodeName } from './message.ts';
import { parseQuery } from './parse-query.ts';
import { createReverseZones } from './reverse-zones.ts';
import { namespace, service, slice } from './testing.ts';

const http = { name: 'http', port: 80, protocol: 'TCP' };
const metrics = { name: 'metrics', port: 9090, protocol: 'UDP' };
const services = [
  service('web', { clusterIP: '10.43.0.5', ports: [http, metrics] }),
  service('unnamed', { clusterIP: '10.43.0.6', ports: [{ port: 80, protocol: 'TCP' }] }),
  service('dual', { clusterIP: '10.43.0.7', clusterIPs: ['10.43.0.7', 'fd00:43::7'], ports: [http] }),
  service('db', { clusterIP: 'None', ports: [http] }),
  service('noports', { clusterIP: 'None' }),
  service('void', { clusterIP: 'None', ports: [http] }),
  service('outside', { type: 'ExternalName', externalName: 'www.example.com.' }),
  service('inside', { type: 'ExternalName', externalName: 'WEB.default.svc.cluster.local' }),
  service('nowhere', { type: 'ExternalName', externalName: 'gone.default.svc.cluster.local' }),
  service('circle', { type: 'ExternalName', externalName: 'circle.default.svc.cluster.local' }),
  service('long', { type: 'ExternalName', externalName: `${'x'.repeat(64)}.example.com` }),
  service('number', { type: 'ExternalName', externalName: '192.0.2.1' }),
];
const slices = [
  slice('db-1', 'db', [['10.42.0.1', 'db-0'], ['10.42.0.2'], ['10.42.0.3', 'db-2', false]]),
  slice('db-6', 'db', [['fd00:42::1', 'db-0']], { addressType: 'IPv6' }),
  slice('web-1', 'web', [['10.42.0.9']]),
  slice('noports-1', 'noports', [['10.42.0.4']], { ports: [] }),
  slice('void-1', 'void', [['10.42.0.5', undefined, false]]),
  slice('db-names', 'db', [['db.example.com']], { addressType: 'FQDN' }),
];

function createWorld() {
  const view = createClusterIndex(() => Date.UTC(2026, 0, 1));
  for (const name of ['default', 'empty']) view.onNamespace({ type: 'added', object: namespace(name) });
  for (const object of services) view.onService({ type: 'added', object });
  for (const object of slices) view.onSlice({ type: 'added', object });
  const shared = { zone: 'cluster.local', view, random: createFakeRandom(), isSynced: () => true };
  const outside: { name: string; type: number }[] = [];
  const resolve = joinLinks(
    [
      createClusterZone({ ...shared, serverAddresses: ['10.43.0.10'] }),
      createReverseZones({ ...shared, cidrs: ['10.43.0.0/16', '10.42.0.0/16', 'fd00:43::/108', '172.16.0.0/12'] }),
    ],
    async ({ name, type }) => {
      outside.push({ name, type });
      const answers: Answer[] = type === 1 ? [{ type: 'A', name, ttl: 60, data: '192.0.2.80' }] : [];
      return { zone: '.', rcode: name.includes('broken') ? 2 : 0, answers };
    },
  );
  const ask = async (name: string, type: Question['type']): Promise<RecordReply> => {
    const parsed = parseQuery(encode({ questions: [{ name, type }] }));
    assert.ok(parsed !== 'drop' && 'query' in parsed);
    return (await resolve(parsed.query as Query)) as RecordReply;
  };
  return { view, ask, outside };
}

/** `name TYPE data`, short enough for a table. */
function text(record: Answer): string {
  const data = 'data' in record ? record.data : '';
  if (record.type === 'SRV') {
    const { priority, weight, port, target } = record.data;
    return `SRV ${priority} ${weight} ${port} ${target}`;
  }
  if (record.type === 'SOA') return `SOA ${record.name} ${record.data.mname}`;
  return `${record.type} ${String(data)}`;
}

const c = 'cluster.local';
const d = `default.svc.${c}`;
const soa = `SOA ${c} ns.dns.${c}`;
const [none, missing] = [
  ['NOERROR', [], [soa]],
  ['NXDOMAIN', [], [soa]],
] as const;

/** Question; code; answers, sorted; authorities and additionals, sorted. */
const table: readonly (readonly [
  string,
  Question['type'],
  readonly [string, readonly string[], (readonly string[])?],
])[] = [
  // Services with an address
  [`web.${d}`, 'A', ['NOERROR', ['A 10.43.0.5']]],
  [`web.${d}`, 'AAAA', none],
  [`web.${d}`, 'TXT', none],
  [`web.${d}`, 'MX', none],
  [`web.${d}`, 'CNAME', none],
  [`web.${d}`, 'NS', none],
  [`WeB.dEfault.SVC.${c.toUpperCase()}`, 'A', ['NOERROR', ['A 10.43.0.5']]],
  [`dual.${d}`, 'A', ['NOERROR', ['A 10.43.0.7']]],
  [`dual.${d}`, 'AAAA', ['NOERROR', ['AAAA fd00:43::7']]],
  [`10-42-0-9.web.${d}`, 'A', ['NOERROR', ['A 10.42.0.9']]],
  [`gone.${d}`, 'A', missing],
  [`web.other.svc.${c}`, 'A', missing],
  [`a.b.web.${d}`, 'A', missing],
  [`_a._b.c.web.${d}`, 'SRV', missing],
  // Ports
  [`_http._tcp.web.${d}`, 'SRV', ['NOERROR', [`SRV 0 100 80 web.${d}`], ['A 10.43.0.5']]],
  [`_metrics._udp.web.${d}`, 'SRV', ['NOERROR', [`SRV 0 100 9090 web.${d}`], ['A 10.43.0.5']]],
  [`_http._tcp.web.${d}`, 'A', ['NOERROR', ['A 10.43.0.5']]],
  [`_http._tcp.web.${d}`, 'AAAA', none],
  [`_http._udp.web.${d}`, 'SRV', missing],
  [`http.tcp.web.${d}`, 'SRV', missing],
  [`_tcp.web.${d}`, 'SRV', none],
  [`_sctp.web.${d}`, 'SRV', missing],
  [`__._tcp.unnamed.${d}`, 'SRV', missing],
  [`_._tcp.unnamed.${d}`, 'SRV', missing],
  [`web.${d}`, 'SRV', ['NOERROR', [`SRV 0 50 80 web.${d}`, `SRV 0 50 9090 web.${d}`], ['A 10.43.0.5']]],
  [`_http._tcp.dual.${d}`, 'SRV', ['NOERROR', [`SRV 0 100 80 dual.${d}`], ['A 10.43.0.7', 'AAAA fd00:43::7']]],
  // Headless services
  [`db.${d}`, 'A', ['NOERROR', ['A 10.42.0.1', 'A 10.42.0.2']]],
  [`db.${d}`, 'AAAA', ['NOERROR', ['AAAA fd00:42::1']]],
  [`db-0.db.${d}`, 'A', ['NOERROR', ['A 10.42.0.1']]],
  [`db-0.db.${d}`, 'AAAA', ['NOERROR', ['AAAA fd00:42::1']]],
  [`DB-0.db.${d}`, 'A', ['NOERROR', ['A 10.42.0.1']]],
  [`10-42-0-2.db.${d}`, 'A', ['NOERROR', ['A 10.42.0.2']]],
  [`db-2.db.${d}`, 'A', missing],
  [
    `_http._tcp.db.${d}`,
    'SRV',
    [
      'NOERROR',
      [`SRV 0 50 8080 10-42-0-2.db.${d}`, `SRV 0 50 8080 db-0.db.${d}`],
      ['A 10.42.0.1', 'A 10.42.0.2', 'AAAA fd00:42::1'],
    ],
  ],
  [`void.${d}`, 'A', missing],
  [`noports.${d}`, 'A', ['NOERROR', ['A 10.42.0.4']]],
  [`noports.${d}`, 'SRV', none],
  // Names of elsewhere
  [`outside.${d}`, 'CNAME', ['NOERROR', ['CNAME www.example.com']]],
  [`outside.${d}`, 'A', ['NOERROR', ['A 192.0.2.80', 'CNAME www.example.com']]],
  [`inside.${d}`, 'A', ['NOERROR', ['A 10.43.0.5', 'CNAME WEB.default.svc.cluster.local']]],
  [`inside.${d}`, 'AAAA', ['NOERROR', ['CNAME WEB.default.svc.cluster.local'], [soa]]],
  [`nowhere.${d}`, 'A', ['NXDOMAIN', [`CNAME gone.${d}`], [soa]]],
  [`number.${d}`, 'A', missing],
  [`long.${d}`, 'A', missing],
  [`a.outside.${d}`, 'A', missing],
  // Pods
  [`1-2-3-4.default.pod.${c}`, 'A', ['NOERROR', ['A 1.2.3.4']]],
  [`1-2-3-4.default.pod.${c}`, 'AAAA', none],
  [`fd00-42--1.default.pod.${c}`, 'AAAA', ['NOERROR', ['AAAA fd00:42::1']]],
  [`1-2-3-4.gone.pod.${c}`, 'A', missing],
  [`1-2-3-400.default.pod.${c}`, 'A', missing],
  [`web.default.pod.${c}`, 'A', missing],
  [`default.pod.${c}`, 'A', none],
  [`gone.pod.${c}`, 'A', missing],
  // The zone
  [c, 'A', none],
  [c, 'SOA', ['NOERROR', [soa]]],
  [c, 'NS', ['NOERROR', [`NS ns.dns.${c}`], ['A 10.43.0.10']]],
  [`ns.dns.${c}`, 'A', ['NOERROR', ['A 10.43.0.10']]],
  [`dns.${c}`, 'A', none],
  [`dns-version.${c}`, 'TXT', ['NOERROR', ['TXT 1.1.0']]],
  [`dns-version.${c}`, 'A', none],
  [`svc.${c}`, 'A', none],
  [`pod.${c}`, 'A', none],
  [`empty.svc.${c}`, 'A', none],
  [`gone.svc.${c}`, 'A', missing],
  [`other.${c}`, 'A', missing],
  [`web.default.${c}`, 'A', missing],
  // Backwards
  ['5.0.43.10.in-addr.arpa', 'PTR', ['NOERROR', [`PTR web.${d}`]]],
  ['1.0.42.10.in-addr.arpa', 'PTR', ['NOERROR', [`PTR db-0.db.${d}`]]],
  ['2.0.42.10.in-addr.arpa', 'PTR', ['NOERROR', [`PTR 10-42-0-2.db.${d}`]]],
  ['3.0.42.10.in-addr.arpa', 'PTR', ['NXDOMAIN', [], [`SOA 42.10.in-addr.arpa ns.dns.${c}`]]],
  ['5.0.43.10.in-addr.arpa', 'A', ['NOERROR', [], [`SOA 43.10.in-addr.arpa ns.dns.${c}`]]],
  ['0.43.10.in-addr.arpa', 'PTR', ['NOERROR', [], [`SOA 43.10.in-addr.arpa ns.dns.${c}`]]],
  ['43.10.in-addr.arpa', 'SOA', ['NOERROR', [`SOA 43.10.in-addr.arpa ns.dns.${c}`]]],
  ['x.0.43.10.in-addr.arpa', 'PTR', ['NXDOMAIN', [], [`SOA 43.10.in-addr.arpa ns.dns.${c}`]]],
  [`7.0.0.0.${'0.'.repeat(20)}3.4.0.0.0.0.d.f.ip6.arpa`, 'PTR', ['NOERROR', [`PTR dual.${d}`]]],
  [`1.0.0.0.${'0.'.repeat(20)}2.4.0.0.0.0.d.f.ip6.arpa`, 'PTR', ['NOERROR', [`PTR db-0.db.${d}`]]],
  ['1.1.17.172.in-addr.arpa', 'PTR', ['NXDOMAIN', [], [`SOA 172.in-addr.arpa ns.dns.${c}`]]],
];

for (const [name, type, [rcode, answers, rest = []]] of table) {
  test(`${name} ${type} is ${rcode}${answers.length ? ` with ${answers.join(', ')}` : ''}`, async () => {
    const { ask, outside } = createWorld();
    const reply = await ask(name, type);
    const others = [...(reply.authorities ?? []), ...(reply.additionals ?? [])];
    assert.deepEqual(
      [rcodeName(reply.rcode), (reply.answers ?? []).map(text).sort(), others.map(text).sort()],
      [rcode, answers, rest],
    );
    assert.equal(reply.isAuthoritative, true);
    assert.equal(outside.length, name.startsWith('outside') && type === 'A' ? 1 : 0);
  });
}

for (const name of [
  'example.com',
  'cluster.local.example.com',
  'xcluster.local',
  '1.1.168.192.in-addr.arpa',
  '172.in-addr.arpa',
]) {
  test(`${name} is not ours and goes on`, async () => {
    const { ask, outside } = createWorld();
    await ask(name, 'PTR');
    assert.deepEqual(outside, [{ name, type: 12 }]);
  });
}

test('an alias that leads to itself ends', async () => {
  const { ask } = createWorld();
  const { answers = [] } = await ask(`circle.${d}`, 'A');
  assert.ok(answers.length > 0 && answers.length <= 9);
  assert.ok(answers.every(({ type }) => type === 'CNAME'));
});

test('everything about the cluster may be kept for five seconds, the version for eight hours', async () => {
  const { ask } = createWorld();
  for (const [name, type] of [
    [`web.${d}`, 'A'],
    [`_http._tcp.db.${d}`, 'SRV'],
    ['5.0.43.10.in-addr.arpa', 'PTR'],
  ] as const) {
    const { answers = [], additionals = [] } = await ask(name, type);
    assert.ok([...answers, ...additionals].every(record => 'ttl' in record && record.ttl === 5));
  }
  const [version] = (await ask(`dns-version.${c}`, 'TXT')).answers ?? [];
  assert.equal(version && 'ttl' in version && version.ttl, 28800);
});

test('addresses come in changing order', async () => {
  const { ask } = createWorld();
  const orders = new Set<string>();
  for (let round = 0; round < 100; round++) orders.add((await ask(`db.${d}`, 'A')).answers!.map(text).join());
  assert.equal(orders.size, 2);
});

test('what goes from the cluster goes from the index', async () => {
  const { view, ask } = createWorld();
  const changes: readonly [Service[], EndpointSlice[], Namespace[]] = [services, slices, [namespace('default')]];
  for (const object of changes[0]) view.onService({ type: 'deleted', object });
  for (const object of changes[1]) view.onSlice({ type: 'deleted', object });
  for (const object of changes[2]) view.onNamespace({ type: 'deleted', object });
  for (const [name, type] of [
    [`web.${d}`, 'A'],
    [`db.${d}`, 'A'],
    [d, 'A'],
    ['5.0.43.10.in-addr.arpa', 'PTR'],
    ['1.0.42.10.in-addr.arpa', 'PTR'],
  ] as const) {
    assert.equal(rcodeName((await ask(name, type)).rcode), 'NXDOMAIN', name);
  }
});

test('an address that moves to another service is answered for that one', async () => {
  const { view, ask } = createWorld();
  view.onService({ type: 'updated', object: service('web', { clusterIP: '10.43.0.99', ports: [http] }) });
  view.onService({ type: 'added', object: service('heir', { clusterIP: '10.43.0.5', ports: [http] }) });
  assert.deepEqual((await ask('5.0.43.10.in-addr.arpa', 'PTR')).answers!.map(text), [`PTR heir.${d}`]);
  assert.deepEqual((await ask(`web.${d}`, 'A')).answers!.map(text), ['A 10.43.0.99']);
});

test('a pod behind two services has two names, and keeps one when the other goes', async () => {
  const { view, ask } = createWorld();
  const second = slice('web-2', 'void', [['10.42.0.9', 'nine']]);
  const names = async () => (await ask('9.0.42.10.in-addr.arpa', 'PTR')).answers!.map(text).sort();
  view.onSlice({ type: 'added', object: second });
  assert.deepEqual(await names(), [`PTR 10-42-0-9.web.${d}`, `PTR nine.void.${d}`]);
  view.onSlice({ type: 'deleted', object: second });
  assert.deepEqual(await names(), [`PTR 10-42-0-9.web.${d}`]);
});
