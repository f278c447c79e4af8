import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '#api';
import { emptyRuleset, planChange } from './diff.ts';
import { planService } from './plan-service.ts';
import { mergeRules } from './rules.ts';
import type { ServiceParts } from './testing/objects.ts';
import { testService, testSlice } from './testing/objects.ts';

const here = { nodeName: 'a', nodeIps: ['192.168.1.10'], clusterCidrs: ['10.42.0.0/16'] };

/** The rules of one Service without what is the same in each line: `service-ips 10.43.0.7 . tcp . 80 : goto ...`, `chain: rule`. */
function linesOf(parts: ServiceParts, slices: readonly EndpointSlice[], at = here): string[] {
  const fragment = planService(testService(parts), slices, at);
  const { lines } = planChange(emptyRuleset, mergeRules([fragment]));
  return lines
    .filter(line => !line.startsWith('add chain'))
    .map(line => line.replace(/^add (?:rule|set) ip wherry-proxy (\S+)/, '$1:'))
    .map(line => line.replace(/^add element ip wherry-proxy (\S+) \{ (.*) \}$/, '$1 $2'))
    .map(line => line.replaceAll('default/web/tcp/', 'WEB'));
}

const masquerade = 'service-WEB: ip daddr 10.43.0.7 tcp dport 80 ip saddr != 10.42.0.0/16 jump mark-for-masquerade';
const endpoint = (address: string) => [
  `endpoint-WEB__${address}/8080: ip saddr ${address} jump mark-for-masquerade`,
  `endpoint-WEB__${address}/8080: meta l4proto tcp dnat to ${address}:8080`,
];
const spread = (chain: string, ...addresses: string[]) => {
  const targets = addresses.map((address, index) => `${index} : goto endpoint-WEB__${address}/8080`);
  return `${chain}-WEB: numgen random mod ${addresses.length} vmap { ${targets.join(', ')} }`;
};
const clusterIp = 'cluster-ips 10.43.0.7';
const rejected = (key: string, set = 'no-endpoint-services') =>
  `${set} ${key} comment "default/web" : goto reject-chain`;
const dropped = (key: string, set = 'no-endpoint-services') => `${set} ${key} comment "default/web" : drop`;
const ownKey = '10.43.0.7 . tcp . 80';
const served = [masquerade, spread('service', '10.42.0.2'), ...endpoint('10.42.0.2')];
const nodePort = { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] };
const shortCircuit = [
  'external-WEB: ip saddr 10.42.0.0/16 goto service-WEB',
  'external-WEB: fib saddr type local jump mark-for-masquerade',
  'external-WEB: fib saddr type local goto service-WEB',
];

const cases: readonly { name: string; service?: ServiceParts; endpoints: string[]; lines: string[] }[] = [
  {
    name: 'a cluster IP is spread evenly over its endpoints',
    endpoints: ['10.42.0.3', '10.42.1.2@b'],
    lines: [
      masquerade,
      spread('service', '10.42.0.3', '10.42.1.2'),
      ...endpoint('10.42.0.3'),
      ...endpoint('10.42.1.2'),
      `service-ips ${ownKey} : goto service-WEB`,
      clusterIp,
    ],
  },
  { name: 'a Service without endpoints is refused', endpoints: [], lines: [rejected(ownKey), clusterIp] },
  {
    name: 'endpoints that are not ready are not used',
    endpoints: ['10.42.0.2?'],
    lines: [rejected(ownKey), clusterIp],
  },
  {
    name: 'endpoints that terminate are used only while no other is ready',
    endpoints: ['10.42.0.2', '10.42.0.3!'],
    lines: [...served, `service-ips ${ownKey} : goto service-WEB`, clusterIp],
  },
  {
    name: 'the last endpoint is used while it terminates and serves',
    endpoints: ['10.42.0.2!', '10.42.0.3?'],
    lines: [...served, `service-ips ${ownKey} : goto service-WEB`, clusterIp],
  },
  {
    name: 'headless Services have no rules',
    service: { spec: { clusterIP: 'None' } },
    endpoints: ['10.42.0.2'],
    lines: [],
  },
  {
    name: 'ExternalName Services have no rules',
    service: { spec: { type: 'ExternalName', externalName: 'example.org' } },
    endpoints: ['10.42.0.2'],
    lines: [],
  },
  {
    name: 'Services of another proxy keep node ports off their address',
    service: { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } },
    endpoints: ['10.42.0.2'],
    lines: ['foreign-cluster-ips 10.43.0.7'],
  },
  {
    name: 'of two address families the IPv4 one is served',
    service: { spec: { clusterIP: 'fd00::7', clusterIPs: ['fd00::7', '10.43.0.7'] } },
    endpoints: ['10.42.0.2'],
    lines: [...served, `service-ips ${ownKey} : goto service-WEB`, clusterIp],
  },
  {
    name: 'a node port goes to all endpoints and is masqueraded',
    service: { spec: nodePort },
    endpoints: ['10.42.0.2'],
    lines: [
      ...served,
      'external-WEB: jump mark-for-masquerade',
      'external-WEB: goto service-WEB',
      `service-ips ${ownKey} : goto service-WEB`,
      'service-nodeports tcp . 30080 : goto external-WEB',
      clusterIp,
    ],
  },
  {
    name: 'a node port without endpoints is refused',
    service: { spec: nodePort },
    endpoints: [],
    lines: [rejected(ownKey), rejected('tcp . 30080', 'no-endpoint-nodeports'), clusterIp],
  },
  {
    name: 'externalTrafficPolicy Local uses endpoints of this node, but for pods and the node itself',
    service: { spec: { ...nodePort, externalTrafficPolicy: 'Local' } },
    endpoints: ['10.42.0.2', '10.42.1.2@b'],
    lines: [
      masquerade,
      spread('service', '10.42.0.2', '10.42.1.2'),
      spread('local', '10.42.0.2'),
      ...endpoint('10.42.0.2'),
      ...endpoint('10.42.1.2'),
      ...shortCircuit,
      'external-WEB: goto local-WEB',
      `service-ips ${ownKey} : goto service-WEB`,
      'service-nodeports tcp . 30080 : goto external-WEB',
      clusterIp,
    ],
  },
  {
    name: 'externalTrafficPolicy Local without an endpoint here drops what comes from outside',
    service: { spec: { ...nodePort, externalTrafficPolicy: 'Local' } },
    endpoints: ['10.42.1.2@b'],
    lines: [
      masquerade,
      spread('service', '10.42.1.2'),
      ...endpoint('10.42.1.2'),
      ...shortCircuit,
      `service-ips ${ownKey} : goto service-WEB`,
      'service-nodeports tcp . 30080 : goto external-WEB',
      dropped('tcp . 30080', 'no-endpoint-nodeports'),
      clusterIp,
    ],
  },
  {
    name: 'externalTrafficPolicy means nothing where nothing comes from outside',
    service: { spec: { externalTrafficPolicy: 'Local' } },
    endpoints: ['10.42.0.2'],
    lines: [...served, `service-ips ${ownKey} : goto service-WEB`, clusterIp],
  },
  {
    name: 'internalTrafficPolicy Local uses endpoints of this node only',
    service: { spec: { internalTrafficPolicy: 'Local' } },
    endpoints: ['10.42.0.2', '10.42.1.2@b'],
    lines: [
      masquerade.replace('service-WEB', 'local-WEB'),
      spread('local', '10.42.0.2'),
      ...endpoint('10.42.0.2'),
      `service-ips ${ownKey} : goto local-WEB`,
      clusterIp,
    ],
  },
  {
    name: 'internalTrafficPolicy Local without an endpoint here drops',
    service: { spec: { internalTrafficPolicy: 'Local' } },
    endpoints: ['10.42.1.2@b'],
    lines: [dropped(ownKey), clusterIp],
  },
  {
    name: 'internalTrafficPolicy Local without any endpoint refuses',
    service: { spec: { internalTrafficPolicy: 'Local' } },
    endpoints: [],
    lines: [rejected(ownKey), clusterIp],
  },
  {
    name: 'external and load balancer addresses are served, those of a proxying balancer and of IPv6 are not',
    service: {
      spec: { type: 'LoadBalancer', externalIPs: ['198.51.100.7', 'fd00::1'] },
      ingress: [{ ip: '203.0.113.5' }, { ip: '203.0.113.6', ipMode: 'Proxy' }, { ip: 'fd00::2' }, {}],
    },
    endpoints: ['10.42.0.2'],
    lines: [
      ...served,
      'external-WEB: jump mark-for-masquerade',
      'external-WEB: goto service-WEB',
      `service-ips ${ownKey} : goto service-WEB`,
      'service-ips 198.51.100.7 . tcp . 80 : goto external-WEB',
      'service-ips 203.0.113.5 . tcp . 80 : goto external-WEB',
      clusterIp,
    ],
  },
  {
    name: 'source ranges close a load balancer address to others; the address itself is let in where the node is',
    service: {
      spec: { type: 'LoadBalancer', loadBalancerSourceRanges: [' 192.168.0.0/16', '192.168.1.0/24', 'fd00::/8'] },
      ingress: [{ ip: '203.0.113.5' }],
    },
    endpoints: [],
    lines: [
      'firewall-WEB: ip saddr != { 192.168.0.0/16, 203.0.113.5/32 } drop',
      rejected(ownKey),
      rejected('203.0.113.5 . tcp . 80'),
      'firewall-ips 203.0.113.5 . tcp . 80 comment "default/web" : goto firewall-WEB',
      clusterIp,
    ],
  },
  {
    name: 'source ranges that let everybody in need no rule',
    service: {
      spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['0.0.0.0/0'] },
      ingress: [{ ip: '203.0.113.5' }],
    },
    endpoints: [],
    lines: [rejected(ownKey), rejected('203.0.113.5 . tcp . 80'), clusterIp],
  },
  {
    name: 'with affinity a client goes where it went before',
    service: { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } } },
    endpoints: ['10.42.0.2'],
    lines: [
      'affinity-WEB__10.42.0.2/8080: { type ipv4_addr; flags dynamic,timeout; }',
      masquerade,
      'service-WEB: ip saddr @affinity-WEB__10.42.0.2/8080 goto endpoint-WEB__10.42.0.2/8080',
      spread('service', '10.42.0.2'),
      endpoint('10.42.0.2')[0]!,
      'endpoint-WEB__10.42.0.2/8080: update @affinity-WEB__10.42.0.2/8080 { ip saddr timeout 60s }',
      endpoint('10.42.0.2')[1]!,
      `service-ips ${ownKey} : goto service-WEB`,
      clusterIp,
    ],
  },
];

for (const { name, service = {}, endpoints, lines } of cases) {
  test(name, () => assert.deepEqual(linesOf(service, [testSlice(endpoints)]), lines));
}

test('affinity without a time lasts three hours', () => {
  const lines = linesOf({ spec: { sessionAffinity: 'ClientIP' } }, [testSlice(['10.42.0.2'])]);
  assert.ok(lines.some(line => line.endsWith('{ ip saddr timeout 10800s }')));
});

test('ports are told apart by name and protocol, and slices are put together', () => {
  const spec = {
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'control', port: 5060, protocol: 'SCTP' },
    ],
  };
  const first = [{ name: 'dns', port: 5353, protocol: 'UDP' }];
  const second = [
    ...first,
    { name: 'control', port: 5061, protocol: 'SCTP' },
    { name: 'dns', port: 1, protocol: 'TCP' },
  ];
  const slices = [
    testSlice(['10.42.0.2'], { ports: first }),
    testSlice(['10.42.0.2', '10.42.0.3'], { name: 'web-2', ports: second }),
    { ...testSlice(['fd00::2'], { name: 'web-3', ports: first }), addressType: 'IPv6' },
  ];
  assert.deepEqual(
    linesOf({ spec }, slices).filter(line => /dnat|service-ips/.test(line)),
    [
      'endpoint-default/web/udp/dns__10.42.0.2/5353: meta l4proto udp dnat to 10.42.0.2:5353',
      'endpoint-default/web/udp/dns__10.42.0.3/5353: meta l4proto udp dnat to 10.42.0.3:5353',
      'endpoint-default/web/sctp/control__10.42.0.2/5061: meta l4proto sctp dnat to 10.42.0.2:5061',
      'endpoint-default/web/sctp/control__10.42.0.3/5061: meta l4proto sctp dnat to 10.42.0.3:5061',
      'service-ips 10.43.0.7 . udp . 53 : goto service-default/web/udp/dns',
      'service-ips 10.43.0.7 . sctp . 5060 : goto service-default/web/sctp/control',
    ],
  );
});

test('a pod that is in two slices is one endpoint, and local when one of them says so', () => {
  const slices = [testSlice(['10.42.0.2@b']), testSlice(['10.42.0.2'], { name: 'web-2' })];
  const lines = linesOf({ spec: { internalTrafficPolicy: 'Local' } }, slices);
  assert.ok(lines.includes(spread('local', '10.42.0.2')));
});

test('without pod ranges nothing tells pods from others, so cluster IPs are not masqueraded', () => {
  const lines = linesOf({}, [testSlice(['10.42.0.2'])], { ...here, clusterCidrs: [] });
  assert.deepEqual(
    lines.filter(line => line.includes('saddr !=')),
    [],
  );
});

test('of two Services that want the same external IP the first has it', () => {
  const spec = { externalIPs: ['198.51.100.7'] };
  const fragments = ['one', 'two'].map(name => planService(testService({ name, spec }), [], here));
  const { elements } = mergeRules(fragments);
  assert.match(elements.get('no-endpoint-services')!.get('198.51.100.7 . tcp . 80')!, /default\/one/);
});
