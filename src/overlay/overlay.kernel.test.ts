import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Node } from '#api';
import { resources } from '#api';
import type { Running } from '#base';
import type { Patch } from '#client';
import type { FakeDeps } from '#client/testing';
import { createFakeDeps } from '#client/testing';
import type { Exec } from '#host';
import { createExec, createExecSysctl, createIp, createNft } from '#host';
import type { OverlayConfig } from './config.ts';
import { removeOverlay } from './remove-overlay.ts';
import { startOverlay } from './start-overlay.ts';

const pluginFolders = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];
const pluginFolder = pluginFolders.find(folder => existsSync(join(folder, 'ptp')));
const host = createExec();
const run = async (exec: Exec, line: string) => {
  const [program = '', ...args] = line.split(' ');
  return (await exec.run({ program, args })).stdout;
};

/** Why this machine cannot run the test; undefined when it can. */
async function findObstacle(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!pluginFolder) return 'the CNI plugin ptp is not installed';
  const name = `wherry-try-${randomBytes(3).toString('hex')}`;
  try {
    await run(host, `ip netns add ${name}`);
    await run(host, `ip -n ${name} link add wherry.vxlan type vxlan id 1 dstport 8472`);
    await run(host, `ip netns exec ${name} nft list tables`);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await run(host, `ip netns delete ${name}`).catch(() => undefined); // was never made
  }
}

/** Two nodes and a machine outside the cluster on one wire: namespaces that are gone with the world. */
async function createWorld() {
  const id = randomBytes(3).toString('hex');
  const folder = await mkdtemp(join(tmpdir(), 'wherry-overlay-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const namespace = async (name: string) => {
    const full = `wherry-${id}-${name}`;
    await run(host, `ip netns add ${full}`);
    stack.defer(async () => void (await run(host, `ip netns delete ${full}`)));
    await run(host, `ip -n ${full} link set lo up`);
    return { name: full, exec: createExec({ prefix: ['ip', 'netns', 'exec', full] }) };
  };
  const wire = await namespace('wire');
  await run(wire.exec, 'ip link add wire type bridge');
  await run(wire.exec, 'ip link set wire up');
  const machine = async (name: string, address: string) => {
    const made = await namespace(name);
    await run(host, `ip -n ${made.name} link add eth0 type veth peer name port-${name} netns ${wire.name}`);
    await run(wire.exec, `ip link set port-${name} master wire up`);
    await run(made.exec, `ip address add ${address}/24 dev eth0`);
    await run(made.exec, 'ip link set eth0 up');
    return { ...made, address, folder: join(folder, name) };
  };
  return { namespace, machine, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
type World = Awaited<ReturnType<typeof createWorld>>;
type Machine = Awaited<ReturnType<World['machine']>>;

const configOf = (node: Machine, nodeName: string): OverlayConfig => ({
  ...{ nodeName, nodeIp: node.address, clusterCidrs: ['10.42.0.0/16'], cniBinDirs: [pluginFolder ?? ''] },
  ...{ cniConfDir: join(node.folder, 'net.d'), cniStateDir: join(node.folder, 'networks') },
});
const hostOf = ({ exec }: Machine) => ({ ip: createIp(exec), nft: createNft(exec), sysctl: createExecSysctl(exec) });

interface Pod {
  name: string;
  exec: Exec;
  address: string;
}

/** What containerd does: runs the plugin of the configuration for a namespace. Answers the address of the pod. */
async function plug(world: World, node: Machine, name: string): Promise<Pod> {
  const pod = await world.namespace(name);
  const list = JSON.parse(await readFile(join(node.folder, 'net.d', '10-wherry.conflist'), 'utf8'));
  const input = JSON.stringify({ cniVersion: list.cniVersion, name: list.name, ...list.plugins[0] });
  const container = { CNI_CONTAINERID: name, CNI_NETNS: `/run/netns/${pod.name}`, CNI_IFNAME: 'eth0' };
  const settings = { CNI_COMMAND: 'ADD', CNI_PATH: pluginFolder, ...container };
  const variables = Object.entries(settings).map(entry => entry.join('='));
  const { stdout } = await node.exec.run({ program: 'env', args: [...variables, `${pluginFolder}/ptp`], input });
  const { ips } = JSON.parse(stdout) as { ips: { address: string }[] };
  return { ...pod, address: ips[0]?.address.replace(/\/.*/, '') ?? '' };
}

/** More than fits into a packet, so that a tunnel with a wrong packet size stalls. */
const payloadBytes = 100_000;
const answerPeer = `
  require('node:net').createServer({ allowHalfOpen: true }, socket => {
    socket.resume().on('end', () => socket.end(socket.remoteAddress)).on('error', () => undefined);
  }).listen(7777, '0.0.0.0', () => console.log('listening'));`;
const askPeer = `
  const [host, localAddress] = process.argv.slice(1);
  const socket = require('node:net').connect({ host, port: 7777, ...(localAddress && { localAddress }) });
  socket.on('data', text => console.log(String(text))).on('error', error => console.log(error.code));
  socket.setTimeout(5000, () => socket.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
  socket.end(Buffer.alloc(${payloadBytes}));`;

/** Listens in a namespace and answers everybody with the address that they come from. Resolves when it listens. */
async function listen(world: World, namespace: string): Promise<void> {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', answerPeer]);
  world.stack.defer(async () => {
    const ended = once(child, 'exit');
    if (child.kill('SIGKILL')) await ended;
  });
  await once(child.stdout, 'data');
}

/** The address that the listener saw, or the error that the connecting end got. */
async function ask(from: Exec, address: string, localAddress = ''): Promise<string> {
  const { stdout } = await from.run({ program: process.execPath, args: ['-e', askPeer, address, localAddress] });
  return stdout.trim();
}

test('pods of two nodes and the world outside', { timeout: 60_000 }, async t => {
  const obstacle = await findObstacle();
  if (obstacle) return t.skip(obstacle);
  await using world = await createWorld();
  const a = await world.machine('a', '192.168.9.1');
  const b = await world.machine('b', '192.168.9.2');
  const outside = await world.machine('outside', '192.168.9.3');
  await run(a.exec, 'nft add table inet strange');
  await using deps = createFakeDeps([toNode('a', a), toNode('b', b)]);
  const { nodes } = resources;
  await deps.client.patch(nodes, { name: 'a' }, rangePatch('10.42.0.0/24'));
  await deps.client.patch(nodes, { name: 'b' }, rangePatch('10.42.1.0/24'));
  for (const [name, machine] of Object.entries({ a, b })) {
    const overlay = await startOverlay(configOf(machine, name), { ...deps, ...hostOf(machine) });
    world.stack.use(overlay);
    await untilReady(deps, overlay);
  }
  const podA = await plug(world, a, 'pod-a');
  const neighbour = await plug(world, a, 'pod-a2');
  const podB = await plug(world, b, 'pod-b');
  for (const { name } of [podB, neighbour, b, outside]) await listen(world, name);

  await t.test('a pod reaches a pod of the other node under its own address', async () => {
    assert.equal(podB.address, '10.42.1.2');
    assert.equal(await ask(podA.exec, podB.address), podA.address);
  });
  await t.test('a pod reaches a pod of its node under its own address', async () => {
    assert.equal(await ask(podA.exec, neighbour.address), podA.address);
  });
  await t.test('a node reaches a pod of the other node, with any of its addresses', async () => {
    assert.equal(await ask(a.exec, podB.address), '10.42.0.0');
    assert.equal(await ask(a.exec, podB.address, a.address), '10.42.0.0');
  });
  await t.test('outside the cluster and on other nodes a pod shows the address of its node', async () => {
    assert.equal(await ask(podA.exec, outside.address), a.address);
    assert.equal(await ask(podA.exec, b.address), a.address);
  });
  await t.test('an address that no pod has is refused at once, on both nodes', async () => {
    assert.equal(await ask(podA.exec, '10.42.0.200'), 'EHOSTUNREACH');
    assert.equal(await ask(podA.exec, '10.42.1.200'), 'EHOSTUNREACH');
  });
  await t.test('a start that finds everything standing changes nothing but its own table', async () => {
    const { ip, nft, sysctl } = hostOf(a);
    const lines: string[] = [];
    const recording = { ...ip, batch: async (more: readonly string[]) => void lines.push(...more) };
    const again = { ...recording, bridgeBatch: recording.batch };
    await using overlay = await startOverlay(configOf(a, 'a'), { ...deps, ip: again, nft, sysctl });
    await untilReady(deps, overlay);
    assert.deepEqual(lines, []);
  });
  await t.test('a start on a new data folder frees the addresses of pods that it does not know', async () => {
    await rm(join(a.folder, 'networks'), { recursive: true });
    await using overlay = await startOverlay(configOf(a, 'a'), { ...deps, ...hostOf(a) });
    await untilReady(deps, overlay);
    const fresh = await plug(world, a, 'pod-a3');
    await listen(world, fresh.name);
    assert.equal(fresh.address, podA.address);
    assert.equal(await ask(a.exec, fresh.address), '10.42.0.1');
  });
  await t.test('a node whose address changes is followed', async () => {
    await run(b.exec, 'ip address add 192.168.9.22/24 dev eth0');
    await deps.client.patch(nodes, { name: 'b' }, addressPatch('192.168.9.22'));
    const { ip } = hostOf(a);
    await until(async () => (await ip.forwarding('wherry.vxlan')).some(({ to }) => to === '192.168.9.22'));
    assert.deepEqual(await ip.forwarding('wherry.vxlan'), [{ hardware: '02:77:0a:2a:01:00', to: '192.168.9.22' }]);
  });
  await t.test('the last other node takes the tunnel with it', async () => {
    await deps.client.delete(nodes, { name: 'b' });
    await until(async () => !(await hostOf(a).ip.links()).some(({ name }) => name === 'wherry.vxlan'));
  });
  await t.test('removing leaves nothing of ours and all of others', async () => {
    for (let times = 0; times < 2; times++) await removeOverlay(hostOf(b), configOf(b, 'b'));
    await removeOverlay(hostOf(a), configOf(a, 'a'));
    assert.deepEqual(await hostOf(a).nft.tables(), [{ family: 'inet', name: 'strange', handle: 1 }]);
    assert.deepEqual(await hostOf(b).nft.tables(), []);
    for (const machine of [a, b]) {
      assert.doesNotMatch(await run(machine.exec, 'ip link'), /wherry\.vxlan/);
      assert.doesNotMatch(await run(machine.exec, 'ip route'), /unreachable|vxlan/);
      assert.deepEqual(await readdir(join(machine.folder, 'net.d')), []);
      assert.deepEqual(await readdir(join(machine.folder, 'networks')), []);
    }
  });
});

function toNode(name: string, { address }: Machine): Node {
  const status = { addresses: [{ type: 'InternalIP', address }] };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {}, status };
}
const rangePatch = (podCIDR: string): Patch => ({ type: 'merge', body: { spec: { podCIDR } } });
const addressPatch = (address: string): Patch => ({
  ...{ type: 'merge', subresource: 'status', body: { status: { addresses: [{ type: 'InternalIP', address }] } } },
});

/** Every look at the kernel runs programs, so a turn here is as long as one of them. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500; turn++) if (await holds()) return;
  assert.fail(`never came true: ${holds}`);
}

async function untilReady({ log }: FakeDeps, overlay: Running): Promise<void> {
  await until(async () => {
    await run(host, 'true');
    return overlay.ready() === undefined;
  }).catch(error => assert.fail(`${error.message}: ${overlay.ready()} ${JSON.stringify(log.records.slice(-5))}`));
}
