import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { PodSpec } from '#api';
import { aPod } from '../testing.ts';
import { type DnsConfig, podDns, readResolvConf } from './dns.ts';
import { hostsFile, podHostname } from './hosts-file.ts';

const host: DnsConfig = { servers: ['192.168.0.53'], searches: ['lan.example'], options: ['timeout:1'] };
const dns = (spec: Partial<PodSpec>, node: Partial<DnsConfig> = {}, clusterDns = ['10.43.0.10']) =>
  podDns(aPod(spec), { clusterDns, clusterDomain: 'cluster.local', host: { ...host, ...node } });

describe('resolv.conf of a pod', () => {
  const cluster: DnsConfig = {
    servers: ['10.43.0.10'],
    searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'lan.example'],
    options: ['ndots:5'],
  };
  test('ClusterFirst asks the cluster and searches its names first', () => {
    assert.deepEqual(dns({ dnsPolicy: 'ClusterFirst' }), cluster);
    assert.deepEqual(dns({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }), cluster);
  });
  test('Default, and ClusterFirst on the node’s network, are the node’s', () => {
    assert.deepEqual(dns({ dnsPolicy: 'Default' }), host);
    assert.deepEqual(dns({ dnsPolicy: 'ClusterFirst', hostNetwork: true }), host);
  });
  test('without a cluster server ClusterFirst is the node’s', () => {
    assert.deepEqual(dns({ dnsPolicy: 'ClusterFirst' }, {}, []), host);
  });
  test('None is what dnsConfig says and nothing else', () => {
    const dnsConfig = {
      nameservers: ['1.1.1.1'],
      searches: ['a.example'],
      options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }, { name: 'rotate', value: '' }],
    };
    assert.deepEqual(dns({ dnsPolicy: 'None', dnsConfig }), {
      ...{ servers: ['1.1.1.1'], searches: ['a.example'], options: ['ndots:2', 'edns0', 'rotate'] },
    });
  });
  test('dnsConfig adds to the policy, drops doubles and overrides options', () => {
    const dnsConfig = {
      nameservers: ['10.43.0.10', '1.1.1.1'],
      searches: ['cluster.local', 'a.example'],
      options: [{ name: 'ndots', value: '2' }],
    };
    assert.deepEqual(dns({ dnsConfig }), {
      servers: ['10.43.0.10', '1.1.1.1'],
      searches: [...cluster.searches, 'a.example'],
      options: ['ndots:2'],
    });
  });
  test('more than three servers or 32 search names are cut', () => {
    const nameservers = ['1.1.1.1', '1.1.1.2', '1.1.1.3'];
    const searches = Array.from({ length: 40 }, (_, index) => `s${index}.example`);
    const made = dns({ dnsConfig: { nameservers, searches } });
    assert.deepEqual(made.servers, ['10.43.0.10', '1.1.1.1', '1.1.1.2']);
    assert.equal(made.searches.length, 32);
    assert.equal(made.searches[31], 's27.example');
  });
  test('search names are cut to 2048 characters', () => {
    const searches = Array.from({ length: 20 }, (_, index) => `${'x'.repeat(198)}${String(index).padStart(2, '0')}`);
    const made = dns({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches } });
    assert.equal(made.searches.length, 10);
  });
});

test('resolv.conf of the node is read without comments; the last search counts, options add up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dns-'));
  try {
    const path = join(folder, 'resolv.conf');
    const lines = ['# made by hand', 'nameserver 10.0.0.1', 'nameserver fe80::1 ; router', 'search old.example'];
    await writeFile(
      path,
      [...lines, 'search a.example b.example .', 'options ndots:1', 'options edns0', ''].join('\n'),
    );
    assert.deepEqual(await readResolvConf(path), {
      ...{ servers: ['10.0.0.1', 'fe80::1'], searches: ['a.example', 'b.example'], options: ['ndots:1', 'edns0'] },
    });
    assert.deepEqual(await readResolvConf(join(folder, 'none')), { servers: [], searches: [], options: [] });
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('/etc/hosts', () => {
  const facts = {
    ips: ['10.42.0.2', 'fd01::2'],
    hostname: 'web',
    clusterDomain: 'cluster.local',
    nodeHosts: '1.2.3.4\tnode\n',
  };
  test('names the pod by all its addresses', () => {
    const text = hostsFile(aPod(), facts);
    assert.ok(text.startsWith('# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n'), text);
    assert.ok(text.endsWith('10.42.0.2\tweb\nfd01::2\tweb\n'), text);
  });
  test('has the full name when the pod has a subdomain', () => {
    const text = hostsFile(aPod({ subdomain: 'db' }), facts);
    assert.match(text, /^10\.42\.0\.2\tweb\.db\.default\.svc\.cluster\.local\tweb$/m);
  });
  test('ends with the aliases', () => {
    const text = hostsFile(aPod({ hostAliases: [{ ip: '9.9.9.9', hostnames: ['a', 'b'] }] }), facts);
    assert.ok(text.endsWith('\n# Entries added by HostAliases.\n9.9.9.9\ta\tb\n'), text);
  });
  test('of a pod on the node’s network is the node’s', () => {
    const text = hostsFile(aPod({ hostNetwork: true }), facts);
    assert.equal(text, '# Kubernetes-managed hosts file (host network).\n1.2.3.4\tnode\n');
  });
});

test('a pod is called by its hostname or its name, cut to what the kernel takes', () => {
  const name = (spec: Partial<PodSpec>, podName = 'web') =>
    podHostname(aPod(spec, { metadata: { name: podName } }), 'cluster.local');
  assert.equal(name({}), 'web');
  assert.equal(name({ hostname: 'other' }), 'other');
  assert.equal(name({ subdomain: 'db' }), 'web');
  assert.equal(name({ subdomain: 'db', setHostnameAsFQDN: true }), 'web.db.default.svc.cluster.local');
  assert.equal(name({}, `${'x'.repeat(62)}-yy`), 'x'.repeat(62));
});
