import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Node } from '#api';
import { resources } from '#api';
import { createFakeDeps } from '#client/testing';
import { createFakeIp, createFakeNft, createFakeSysctl } from '#host/testing';
import type { OverlayConfig } from './config.ts';
import { startOverlay } from './start-overlay.ts';

const { nodes } = resources;

function node(name: string, number: number, podCIDR?: string): Node {
  return {
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
    spec: podCIDR ? { podCIDR, podCIDRs: [podCIDR] } : {},
    status: { addresses: [{ type: 'InternalIP', address: `192.168.1.${10 + number}` }] },
  };
}

/** A machine with one network card and the plugins installed. */
async function createMachine() {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-overlay-'));
  const config: OverlayConfig = {
    ...{ nodeName: 'a', nodeIp: '192.168.1.10', clusterCidrs: ['10.42.0.0/16'] },
    ...{ cniConfDir: join(folder, 'net.d'), cniBinDirs: [join(folder, 'bin')], cniStateDir: join(folder, 'state') },
  };
  await mkdir(join(folder, 'bin'));
  for (const plugin of ['ptp', 'host-local']) await writeFile(join(folder, 'bin', plugin), '', { mode: 0o755 });
  const ip = createFakeIp({
    links: [
      { index: 2, name: 'eth0', mtu: 1500, address: '52:54:00:00:00:01', up: true, kind: undefined, kindOptions: {} },
    ],
    addresses: [{ device: 'eth0', family: 4, address: '192.168.1.10', prefix: 24, scope: 'global' }],
  });
  const kernel = { ip, nft: createFakeNft(), sysctl: createFakeSysctl({ 'net.ipv4.ip_forward': '0' }) };
  const remove = () => rm(folder, { recursive: true, force: true });
  return { folder, config, ...kernel, [Symbol.asyncDispose]: remove };
}

/** File work takes turns of the event loop that nobody can count. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 5000; turn++) {
    if (await holds()) return;
    await new Promise<void>(resolve => setImmediate(resolve));
  }
  assert.fail(`never came true: ${holds}`);
}

const readConfig = async ({ cniConfDir }: OverlayConfig) =>
  JSON.parse(await readFile(join(cniConfDir, '10-wherry.conflist'), 'utf8')) as unknown;

test('a node that gets its range writes the network configuration, whole, and is ready', async () => {
  await using machine = await createMachine();
  await using deps = createFakeDeps([node('a', 0)]);
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready() === 'node a has no pod range yet');
  assert.equal(machine.sysctl.values.get('net.ipv4.ip_forward'), '1');
  assert.deepEqual(await readdir(machine.folder), ['bin']);

  await deps.client.patch(nodes, { name: 'a' }, { type: 'merge', body: { spec: { podCIDR: '10.42.0.0/24' } } });
  await until(() => overlay.ready() === undefined);
  assert.deepEqual(await readdir(machine.config.cniConfDir), ['10-wherry.conflist']);
  assert.deepEqual(await readConfig(machine.config), {
    cniVersion: '1.0.0',
    name: 'wherry',
    plugins: [
      {
        ...{ type: 'ptp', ipMasq: false, mtu: 1450 },
        ipam: {
          ...{ type: 'host-local', dataDir: machine.config.cniStateDir },
          ...{ ranges: [[{ subnet: '10.42.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
        },
      },
    ],
  });
  assert.deepEqual(machine.ip.lines, ['route replace unreachable 10.42.0.0/24']);
});

test('a second node brings the tunnel, its leaving takes the tunnel away', async () => {
  await using machine = await createMachine();
  await using deps = createFakeDeps([node('a', 0, '10.42.0.0/24'), node('b', 1, '10.42.1.0/24')]);
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready() === undefined);
  assert.ok(machine.ip.lines.includes('bridge fdb replace 02:77:0a:2a:01:00 dev wherry.vxlan dst 192.168.1.11'));
  assert.ok(machine.ip.lines.includes('route replace 10.42.1.0/24 via 10.42.1.0 dev wherry.vxlan onlink'));
  assert.equal(machine.sysctl.values.get('net/ipv4/conf/wherry.vxlan/rp_filter'), '2');
  assert.match(await deps.meter.text(), /^overlay_peers 1$/m);

  machine.ip.state.links.push({
    ...{ index: 3, name: 'wherry.vxlan', mtu: 1450, address: '', up: true, kind: 'vxlan', kindOptions: {} },
  });
  await deps.client.delete(nodes, { name: 'b' });
  await until(() => machine.ip.lines.at(-1) === 'link delete wherry.vxlan');
});

test('heartbeats of nodes cause no work', async () => {
  await using machine = await createMachine();
  await using deps = createFakeDeps([node('a', 0, '10.42.0.0/24')]);
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready() === undefined);
  const counted = async () => /^overlay_syncs_total.*/m.exec(await deps.meter.text())?.[0];
  const before = await counted();
  await deps.client.patch(nodes, { name: 'a' }, { type: 'merge', body: { metadata: { labels: { beat: '1' } } } });
  await until(() => deps.informers.of(nodes).get(undefined, 'a')?.metadata.labels?.['beat'] === '1');
  await new Promise<void>(resolve => setImmediate(resolve));
  assert.equal(await counted(), before);
});

test("a table that a stranger's flush took away is back after the next look", async () => {
  await using machine = await createMachine();
  await using deps = createFakeDeps([node('a', 0, '10.42.0.0/24')]);
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready() === undefined && deps.clock.pending > 0);
  machine.nft.known.clear();
  await deps.clock.advance(60_000);
  await until(() => machine.nft.known.has('inet wherry-overlay'));
  assert.equal(machine.nft.transactions.length, 2);
});

test('what hinders is told, and goes away by itself', async () => {
  await using machine = await createMachine();
  await using deps = createFakeDeps([node('a', 0, '10.42.0.0/24')]);
  const addresses = machine.ip.state.addresses.splice(0);
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready()?.startsWith('no network device has the node address 192.168.1.10') === true);
  machine.ip.state.addresses.push(...addresses);
  await until(() => deps.clock.pending > 0);
  await deps.clock.advance(500);
  await until(() => overlay.ready() === undefined);
});

test('a missing plugin is named, the configuration is written all the same', async () => {
  await using machine = await createMachine();
  await rm(join(machine.folder, 'bin', 'host-local'));
  await using deps = createFakeDeps([node('a', 0, '10.42.0.0/24')]);
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready()?.startsWith('the CNI plugin host-local is not in ') === true);
  assert.ok(await readConfig(machine.config));
});

test('a node that comes back with another range rewrites the configuration and frees the earlier range', async () => {
  await using machine = await createMachine();
  await using deps = createFakeDeps([node('a', 0, '10.42.5.0/24')]);
  const earlier = JSON.stringify({ plugins: [{ ipam: { ranges: [[{ subnet: '10.42.0.0/24' }]] } }] });
  await mkdir(machine.config.cniConfDir);
  await writeFile(join(machine.config.cniConfDir, '10-wherry.conflist'), earlier);
  machine.ip.state.routes.push({
    ...{ to: '10.42.0.0/24', device: undefined, via: undefined, source: undefined, onlink: false },
  });
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready() === undefined);
  assert.deepEqual(machine.ip.lines, [
    'route delete unreachable 10.42.0.0/24',
    'route replace unreachable 10.42.5.0/24',
  ]);
});

test('what pods of a lost data folder left does not keep their addresses from new pods', async () => {
  await using machine = await createMachine();
  await using deps = createFakeDeps([node('a', 0, '10.42.0.0/24')]);
  const given = join(machine.config.cniStateDir, 'wherry');
  await mkdir(given, { recursive: true });
  await writeFile(join(given, '10.42.0.3'), 'a pod that runs on');
  const card = (index: number, name: string, kind = 'veth') =>
    machine.ip.state.links.push({ index, name, mtu: 1450, address: '', up: true, kind, kindOptions: {} });
  const way = (to: string, device: string) =>
    machine.ip.state.routes.push({ to, device, via: undefined, source: undefined, onlink: false });
  for (const [index, to] of ['10.42.0.2', '10.42.0.3', '10.42.9.4'].entries()) {
    card(3 + index, `veth${index}`);
    way(to, `veth${index}`);
  }
  card(9, 'tun0', 'tun');
  way('10.42.0.9', 'tun0');
  await using overlay = await startOverlay(machine.config, { ...deps, ...machine });
  await until(() => overlay.ready() === undefined);
  assert.deepEqual(
    machine.ip.lines.filter(line => line.startsWith('link')),
    ['link delete veth0'],
  );
  const warning = deps.log.records.find(({ level }) => level === 'warn');
  assert.deepEqual(warning?.fields, { addresses: ['10.42.0.2'] });
});
