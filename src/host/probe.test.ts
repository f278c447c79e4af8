import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { CommandError } from './exec.ts';
import { createFakeExec, fakeCommandError } from './exec-fake.ts';
import type { Finding, ProbeDeps, ProbeOptions } from './probe.ts';
import { probeMachine } from './probe.ts';

const allRights = '000001ffffffffff';
const status = (user: number, rights = allRights) =>
  `Name:\tnode\nUid:\t1000\t${user}\t${user}\t${user}\nCapEff:\t${rights}\n`;
const goodFiles: Readonly<Record<string, string>> = {
  '/proc/sys/kernel/ostype': 'Linux\n',
  '/proc/sys/kernel/osrelease': '6.1.0-18-amd64\n',
  '/proc/self/status': status(0),
  '/proc/self/limits':
    'Limit  Soft Limit  Hard Limit  Units\nMax processes  1  2  processes\nMax open files            1024                 1048576              files\n',
  '/proc/self/mountinfo':
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n23 22 0:21 / /proc rw - proc proc rw\n',
  '/proc/self/ns/net': '',
  '/proc/filesystems': 'nodev\tproc\n\text4\nnodev\toverlay\n',
  '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n',
  '/proc/sys/fs/inotify/max_user_instances': '8192\n',
  '/proc/sys/fs/inotify/max_user_watches': '524288\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
  ...Object.fromEntries(
    ['containerd', 'runc', 'ip', 'bridge', 'conntrack', 'kubectl'].map(name => [`/usr/bin/${name}`, '']),
  ),
  ...Object.fromEntries(['ptp', 'host-local', 'loopback'].map(name => [`/opt/cni/bin/${name}`, ''])),
};
const goodAnswers: Readonly<Record<string, string>> = {
  'nft --version': 'nftables v1.0.6 (Lester Gooch #5)\n',
  'nft -j list chains': '{"nftables": [{"metainfo": {}}, {"chain": {"family": "ip", "table": "nat", "name": "x"}}]}',
  '/usr/bin/containerd --version': 'containerd github.com/containerd/containerd 1.7.24 abc\n',
  '/usr/bin/runc --version': 'runc version 1.1.5+ds1\ncommit: x\nspec: 1.0.2\n',
  '/usr/bin/ip -V': 'ip utility, iproute2-6.1.0, libbpf 1.1.2\n',
};

interface FakeMachine {
  files?: Readonly<Record<string, string | undefined>>;
  /** By command line, or what it starts with; an Error is thrown. */
  answers?: Readonly<Record<string, string | Error>>;
  disk?: Awaited<ReturnType<NonNullable<ProbeDeps['disk']>>>;
  /** By `6443/tcp`. */
  ports?: Readonly<Record<string, string>>;
  now?: number;
  options?: Partial<ProbeOptions>;
}

const gib = 1024 ** 3;

/** Probes a machine that is good but for what is told. */
async function probe(machine: FakeMachine = {}): Promise<{ findings: Finding[]; lines: string[]; left: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-host-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
  const [root, disk] = [join(folder, 'root'), join(folder, 'disk')];
  await mkdir(disk);
  for (const [path, text] of Object.entries({ ...goodFiles, ...machine.files })) {
    if (text === undefined) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { mode: 0o755 });
  }
  const answers = Object.entries({ ...goodAnswers, ...machine.answers });
  const exec = createFakeExec(line => {
    const answer = answers.findLast(([start]) => line.startsWith(start))?.[1];
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const options = { dataDir: join(disk, 'wherry'), cniBinDirs: ['/opt/cni/bin'], ports: [], ...machine.options };
  const findings = await probeMachine({
    ...options,
    ...{ exec, root, clock: { now: () => machine.now ?? Date.UTC(2026, 5, 1) } },
    disk: async () => machine.disk ?? { freeBytes: 40 * gib, freeInodes: 900, inodes: 1000 },
    listen: async (port, protocol) => machine.ports?.[`${port}/${protocol}`],
  });
  const place = new RegExp(`${folder}|\\.wherry-probe-\\w+`, 'g');
  const named = findings.map(one => JSON.parse(JSON.stringify(one).replaceAll(folder, '')) as Finding);
  const lines = exec.lines().map(line => line.replaceAll(place, ''));
  return { findings: named, lines, left: await readdir(disk) };
}

const bad = ({ findings }: { findings: Finding[] }) => findings.filter(({ state }) => state !== 'ok');

test('a good machine lacks nothing, and what was found is told', async () => {
  const { findings, left } = await probe({
    options: { ports: [{ port: 6443, protocol: 'tcp', purpose: 'Kubernetes API' }] },
  });
  assert.deepEqual(
    findings.map(({ name, state, found }) => `${name}: ${state}: ${found}`),
    [
      'kernel: ok: Linux 6.1.0-18-amd64',
      'rights: ok: root with CAP_SYS_ADMIN and CAP_NET_ADMIN',
      'oom scores: ok: may be lowered',
      'clock: ok: 2026-06-01T00:00:00.000Z',
      'cgroups: ok: v2',
      'cgroup controllers: ok: cpu, memory, pids',
      'overlayfs: ok: a mount under the data folder works',
      'disk: ok: 40.0 GiB free at /disk',
      'inodes: ok: 900 of 1000 free at /disk',
      'swap: ok: off',
      'mount propagation: ok: / is shared',
      'network namespaces: ok: can be made',
      'nftables: ok: nftables v1.0.6 (Lester Gooch #5)',
      'forwarding: ok: no chain drops all that it does not know',
      'VXLAN: ok: a device can be made',
      'containerd: ok: /usr/bin/containerd 1.7.24',
      'runc: ok: /usr/bin/runc 1.1.5',
      'ip: ok: /usr/bin/ip 6.1.0',
      'bridge: ok: /usr/bin/bridge',
      'conntrack: ok: /usr/bin/conntrack',
      'kubectl: ok: /usr/bin/kubectl',
      'CNI plugins: ok: ptp, host-local, loopback in /opt/cni/bin',
      'open files: ok: 1048576',
      'inotify instances: ok: 8192',
      'inotify watches: ok: 524288',
      'port 6443/tcp: ok: free, for Kubernetes API',
    ],
  );
  assert.ok(findings.every(({ remedy }) => remedy === undefined));
  assert.deepEqual(left, []);
});

test('as root the things themselves are tried: a mount, a namespace, a device in it, a table list', async () => {
  const { lines } = await probe();
  assert.ok(
    lines.includes(
      'mount -t overlay -o lowerdir=/disk//lower,upperdir=/disk//upper,workdir=/disk//work overlay /disk//merged',
    ),
  );
  assert.ok(lines.includes('umount /disk//merged'));
  assert.ok(lines.includes('unshare --net true'));
  assert.ok(lines.includes('unshare --net ip link add wherry-probe type vxlan id 1 dstport 8472'));
  assert.ok(lines.includes('nft list tables') && lines.includes('nft -c -f -'));
});

test('without root only that is missing: what cannot be tried is not held against the machine', async () => {
  const found = await probe({ files: { '/proc/self/status': status(1000, '0'), '/sys/module/vxlan/version': '' } });
  assert.deepEqual(bad(found), [
    { name: 'rights', state: 'missing', found: 'user 1000', remedy: 'start it as root (sudo)' },
    {
      ...{ name: 'oom scores', state: 'warning', found: 'may not be lowered: CAP_SYS_RESOURCE is lacking' },
      remedy:
        'handled: scores are kept as they are, so guaranteed pods have no better place when memory ends; CAP_SYS_RESOURCE gives it',
    },
  ]);
  assert.ok(!found.lines.some(line => /^(mount|unshare|nft list|nft -c)/.test(line)));
});

test('a container without privileges lacks rights, mounts and namespaces', async () => {
  const no = (line: string) => fakeCommandError(line, 1, 'Operation not permitted');
  const found = await probe({
    files: { '/proc/self/status': status(0, '00000000a80425fb') },
    answers: {
      ...{ 'mount -t overlay': no('mount'), 'unshare --net': no('unshare'), 'nft list tables': no('nft') },
    },
  });
  assert.deepEqual(
    bad(found).map(({ name, state, found }) => `${name}: ${state}: ${found}`),
    [
      'rights: missing: root without CAP_SYS_ADMIN and CAP_NET_ADMIN',
      'oom scores: warning: may not be lowered: CAP_SYS_RESOURCE is lacking',
      'overlayfs: missing: known to the kernel, but a mount fails: Operation not permitted',
      'network namespaces: missing: cannot be made: Operation not permitted',
      'nftables: missing: nft list tables: Operation not permitted',
      'VXLAN: warning: a device cannot be made: Operation not permitted',
    ],
  );
  assert.deepEqual(found.left, []);
});

test('a machine without nft is told which package to install', async () => {
  const cause = { exitCode: undefined, stderr: '' };
  const missing = new CommandError('nft: program not found', { code: 'missing', ...cause });
  assert.deepEqual(bad(await probe({ answers: { nft: missing, 'nft --version': missing, 'nft -j': missing } })), [
    { name: 'nftables', state: 'missing', found: 'nft: program not found', remedy: 'install the package nftables' },
  ]);
});

test('a kernel that refuses rules like ours is found before a table is set up', async () => {
  const refused = fakeCommandError('nft', 1, 'Error: Could not process rule: No such file or directory\nadd rule');
  assert.deepEqual(bad(await probe({ answers: { 'nft -c': refused } })), [
    {
      ...{ name: 'nftables', state: 'missing' },
      found: 'rules like ours are refused: Error: Could not process rule: No such file or directory',
      remedy: 'use a kernel with nft_nat, nft_masq and nft_ct, and nftables 0.9.4 or newer',
    },
  ]);
});

test('control groups version 1 and hybrid work with a warning, without memory they do not', async () => {
  const version1 = { '/sys/fs/cgroup/cgroup.controllers': undefined, '/sys/fs/cgroup/cpu/tasks': '' };
  const pids = { '/sys/fs/cgroup/pids/tasks': '', '/sys/fs/cgroup/unified/cgroup.procs': '' };
  const remedy =
    'works; Kubernetes leaves version 1 behind, so boot with systemd.unified_cgroup_hierarchy=1 where you can';
  const hybrid = { name: 'cgroups', state: 'warning', found: 'v1 (hybrid)', remedy };
  assert.deepEqual(bad(await probe({ files: { ...version1, ...pids, '/sys/fs/cgroup/memory/tasks': '' } })), [hybrid]);
  assert.deepEqual(bad(await probe({ files: { ...version1, ...pids } })), [
    hybrid,
    {
      ...{ name: 'cgroup controllers', state: 'missing', found: 'without memory' },
      remedy:
        'add cgroup_enable=memory cgroup_memory=1 to the kernel command line (Raspberry Pi: /boot/firmware/cmdline.txt) and boot again',
    },
  ]);
  const none = bad(await probe({ files: { '/sys/fs/cgroup/cgroup.controllers': undefined } }));
  assert.deepEqual(
    none.map(({ name, found }) => `${name}: ${found}`),
    ['cgroups: none at /sys/fs/cgroup'],
  );
});

test('a port that is taken is named with its purpose; our own tunnel may hold its port, that of others may not', async () => {
  const vxlan = (name: string) =>
    JSON.stringify([{ ifname: name, linkinfo: { info_kind: 'vxlan', info_data: { id: 1, port: 8472 } } }]);
  const ports: ProbeOptions['ports'] = [
    { port: 6443, protocol: 'tcp', purpose: 'the Kubernetes API' },
    { port: 443, protocol: 'tcp', purpose: 'the gateway' },
    { port: 8472, protocol: 'udp', purpose: 'pods of other nodes', device: 'wherry.vxlan' },
  ];
  const taken = { '6443/tcp': 'EADDRINUSE', '443/tcp': 'EACCES', '8472/udp': 'EADDRINUSE' };
  const links = (name: string) => ({ 'ip -d -json link show': vxlan(name) });
  const ours = await probe({ options: { ports }, ports: taken, answers: links('wherry.vxlan') });
  const first: Finding[] = [
    {
      ...{ name: 'port 6443/tcp', state: 'missing', found: 'in use' },
      remedy: "end the program that has it (ss -ltnp 'sport = :6443'): the port is for the Kubernetes API",
    },
    {
      ...{ name: 'port 443/tcp', state: 'missing', found: 'cannot be listened on: EACCES' },
      remedy: 'allow this program to listen on it: it is for the gateway',
    },
  ];
  assert.deepEqual(bad(ours), first);
  assert.equal(ours.findings.at(-1)?.found, 'held by our device wherry.vxlan, for pods of other nodes');
  assert.deepEqual(bad(await probe({ options: { ports }, ports: taken, answers: links('flannel.1') })), [
    ...first,
    {
      ...{ name: 'port 8472/udp', state: 'missing', found: 'in use by device flannel.1' },
      remedy: 'remove that device (ip link delete flannel.1): the port is for pods of other nodes',
    },
  ]);
});

test('programs: absent, too old, broken, or at a place that was told', async () => {
  const broken = fakeCommandError('/usr/bin/runc --version', 127, 'libseccomp.so.2: cannot open shared object file');
  const found = await probe({
    files: {
      ...{ '/usr/bin/kubectl': undefined, '/usr/bin/conntrack': undefined, '/opt/cni/bin/loopback': undefined },
      '/opt/wherry/containerd': '',
    },
    answers: {
      '/opt/wherry/containerd --version': 'containerd containerd.io 1.4.13',
      '/usr/bin/runc': broken,
      '/usr/bin/runc --version': broken,
    },
    options: { programs: { containerd: '/opt/wherry/containerd', ip: '/opt/wherry/ip' } },
  });
  assert.deepEqual(bad(found), [
    {
      ...{ name: 'containerd', state: 'missing', found: '/opt/wherry/containerd is 1.4.13, too old' },
      remedy: 'install containerd 1.6 or newer (package containerd)',
    },
    {
      ...{ name: 'runc', state: 'missing' },
      found: '/usr/bin/runc does not run: libseccomp.so.2: cannot open shared object file',
      remedy: 'install runc 1.0 or newer (package runc)',
    },
    { name: 'ip', state: 'missing', found: 'not at /opt/wherry/ip', remedy: 'install the package iproute2' },
    {
      ...{ name: 'conntrack', state: 'warning', found: 'not installed' },
      remedy: 'install the package conntrack: without it UDP keeps going to ended pods',
    },
    {
      ...{ name: 'kubectl', state: 'warning', found: 'not installed' },
      remedy: 'install kubectl; the cluster itself does not need it',
    },
    {
      ...{ name: 'CNI plugins', state: 'missing', found: 'without loopback in /opt/cni/bin' },
      remedy: 'install the package containernetworking-plugins, or name their folder with --cni-bin-dir',
    },
  ]);
});

test('little room, few inodes, small limits and a wrong clock', async () => {
  const small = {
    '/proc/self/limits': 'Max open files   1024   4096   files\n',
    '/proc/sys/fs/inotify/max_user_instances': '64\n',
    '/proc/sys/fs/inotify/max_user_watches': undefined,
  };
  const disk = { freeBytes: 3 * gib, freeInodes: 49, inodes: 1000 };
  const found = await probe({ files: small, disk, now: Date.UTC(1970, 0, 1) });
  assert.deepEqual(
    bad(found).map(({ name, state, found }) => `${name}: ${state}: ${found}`),
    [
      'clock: missing: 1970-01-01T00:00:00.000Z',
      'disk: warning: 3.0 GiB free at /disk',
      'inodes: warning: 49 of 1000 free at /disk',
      'open files: warning: 4096',
      'inotify instances: warning: 64',
    ],
  );
  assert.ok(bad(found).every(({ remedy }) => remedy));
  const full = await probe({ disk: { freeBytes: gib - 1, freeInodes: 0, inodes: 0 } });
  assert.deepEqual(
    bad(full).map(({ name, state }) => `${name} ${state}`),
    ['disk missing'],
  );
});

test('a firewall that drops what is forwarded is a warning that names the chain', async () => {
  const chain = { family: 'ip', table: 'filter', name: 'FORWARD', hook: 'forward', policy: 'drop' };
  const closed = JSON.stringify({ nftables: [{ chain }, { chain: { ...chain, hook: 'input' } }] });
  const [finding, ...more] = bad(await probe({ answers: { 'nft -j list chains': closed } }));
  assert.equal(
    `${finding?.name}: ${finding?.state}: ${finding?.found}`,
    'forwarding: warning: dropped unless accepted in ip filter FORWARD',
  );
  assert.deepEqual(more, []);
});

test('an old kernel, and a system that is no Linux', async () => {
  assert.deepEqual(bad(await probe({ files: { '/proc/sys/kernel/osrelease': '4.19.0-26-amd64' } })), [
    { name: 'kernel', state: 'missing', found: 'Linux 4.19.0-26-amd64', remedy: 'install Linux 5.2 or newer' },
  ]);
  const other = await probe({ files: { '/proc/sys/kernel/ostype': undefined } });
  assert.deepEqual(
    other.findings.map(({ found }) => found),
    ['not Linux, or /proc is not mounted'],
  );
});

test('a check that fails itself is a warning, and the others go on', async () => {
  const found = await probe({ answers: { 'nft -j list chains': 'no JSON' } });
  assert.deepEqual(
    bad(found).map(({ name, state }) => `${name} ${state}`),
    ['forwarding warning'],
  );
  assert.match(bad(found)[0]?.found ?? '', /^could not be checked: /);
});
