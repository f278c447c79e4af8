/** Bad days of a control plane: it cannot start, it is killed, its disk is full. One clear line with the remedy, and nothing lost. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { wherry } from '../../tools/server.ts';
import { type Output, type Server, startServer } from './fixture.ts';

const isRoot = process.getuid?.() === 0;

/** A folder for one test, gone after it. */
function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'wherry-start-'));
  chmodSync(path, 0o755);
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

interface StartOptions {
  args?: readonly string[];
  /** The command that runs the server, with its arguments before the server's. */
  by?: readonly string[];
}

const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** Starts a server that is to end by itself. */
function start(dataFolder: string, { args = ['--disable-agent'], by = [] }: StartOptions = {}): Output {
  const all = ['server', '--data-dir', dataFolder, '--bind-address', '127.0.0.1', '--https-listen-port', '0', ...args];
  const kubeconfig = args.includes('--write-kubeconfig') ? [] : ['--write-kubeconfig', join(dataFolder, 'kubeconfig')];
  const [command, ...rest] = [...by, wherry, ...all, ...kubeconfig];
  const { status, stdout, stderr } = spawnSync(command!, rest, {
    encoding: 'utf8',
    timeout: 15_000,
    killSignal: 'SIGKILL',
  });
  return { status: status ?? -1, stdout, stderr };
}

/** It ended with 1, and after what it logs at the start, said one line. */
function saysOnce({ status, stderr }: Output, expected: RegExp): void {
  const lines = stderr.split('\n').filter(line => line && !/^\S+ (info|debug) /.test(line));
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0]!, expected);
  assert.equal(status, 1, stderr);
}

test('a port in use is named, with the option that changes it', async t => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const port = String((other.address() as { port: number }).port);
  const ended = start(folder(t), { args: ['--disable-agent', '--https-listen-port', port] });
  saysOnce(ended, new RegExp(`the port is taken \\(.*127\\.0\\.0\\.1:${port}\\): .*--https-listen-port`));
});

test('a data folder that cannot be written is named', {
  skip: isRoot ? false : 'needs root to become another user',
}, t => {
  const path = folder(t);
  for (const at of [path, join(path, 'below')]) {
    saysOnce(
      start(at, { by: asNobody }),
      /data-dir: cannot write .*permission denied.*; choose a folder that can be written/,
    );
  }
});

test('a data folder below a file system that takes no folders is named', () => {
  saysOnce(
    start('/proc/wherry/data', { args: ['--disable-agent', '--write-kubeconfig', '/dev/null'] }),
    /data-dir: cannot write \/proc\/wherry\/data\/wherry\.pid: ENOENT.*choose a folder that can be written/,
  );
});

test('a data folder that is a file, and a kubeconfig that cannot be written, are named', t => {
  const path = folder(t);
  const file = join(path, 'file');
  writeFileSync(file, 'kept');
  saysOnce(start(file), /data-dir: cannot write .*; choose a folder that can be written/);
  assert.equal(readFileSync(file, 'utf8'), 'kept');
  const ended = start(join(path, 'data'), {
    args: ['--disable-agent', '--write-kubeconfig', join(file, 'kubeconfig')],
  });
  saysOnce(ended, /write-kubeconfig: cannot write .*; choose a path that can be written/);
});

test('a damaged database is named and left as it is', t => {
  const path = folder(t);
  const database = join(path, 'server', 'db', 'state.db');
  mkdirSync(join(database, '..'), { recursive: true });
  const damaged = Buffer.alloc(20_000, 'not a database ');
  writeFileSync(database, damaged);
  saysOnce(start(path), /state\.db: file is not a database: .*restore a backup, or move it away/);
  assert.deepEqual(readFileSync(database), damaged);
});

test('options that are wrong are named', t => {
  const path = folder(t);
  const misspelt = start(path, { args: ['--disable-agnet'] });
  assert.match(misspelt.stderr, /^wherry server: --disable-agnet: no such option \(did you mean disable-agent\?\)\n/);
  assert.equal(misspelt.status, 2);
  const other = start(path, { args: ['--disable-agent', '--datastore-endpoint', 'mysql://x'] });
  saysOnce(other, /datastore-endpoint: .*mysql/);
});

test('a node without containerd, or without rights, says what is missing, and how to go without', {
  skip: isRoot ? false : 'needs root to hide containerd, and to become another user',
}, t => {
  const path = folder(t);
  // In namespaces of its own: nothing is mounted for others, and were it to start, it would meet nobody's network.
  const hidden = ['unshare', '--mount', '--net', 'sh', '-c'];
  const hide = 'ip link set lo up; for it in $(command -v containerd); do mount --bind /dev/null $it; done; exec "$@"';
  const ended = start(join(path, 'data'), { args: [], by: [...hidden, hide, 'sh'] });
  saysOnce(ended, /this machine cannot run pods: .*containerd.*--disable-agent starts the control plane alone/);
  const data = join(path, 'nobody');
  mkdirSync(data);
  chmodSync(data, 0o777);
  const refused = start(data, { args: [], by: asNobody });
  saysOnce(refused, /this machine cannot run pods: rights: user 65534 .*--disable-agent/);
});

test('a second server on the same data is refused, and the first goes on', async () => {
  await using server = await startServer();
  saysOnce(
    start(server.dataFolder),
    new RegExp(`the data folder is in use by process ${server.pid}; stop it, or choose another --data-dir`),
  );
  server.kubectl('create', 'configmap', 'still');
  assert.equal(server.kubectl('get', 'cm', 'still', '-o', 'name'), 'configmap/still\n');
});

test('SIGTERM ends it within five seconds, also under watches, and nothing is lost', async () => {
  await using server = await startServer();
  const watch = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'get', 'cm', '-A', '-w'], { stdio: 'ignore' });
  server.kubectl('create', 'configmap', 'kept', '--from-literal=a=1');
  const beganMs = performance.now();
  await server.stop('SIGTERM');
  assert.ok(performance.now() - beganMs < 5000, `${performance.now() - beganMs} ms`);
  watch.kill();
  assert.equal(existsSync(join(server.dataFolder, 'wherry.pid')), false);
  await server.start();
  assert.equal(server.kubectl('get', 'cm', 'kept', '-o', 'jsonpath={.data.a}'), '1');
});

test('killed in the middle of writes, it starts again with every write that was acknowledged', async () => {
  await using server = await startServer();
  const writer = writeUntilKilled(server);
  await writer.untilMade(25);
  await server.stop('SIGKILL');
  const acknowledged = await writer.end();
  await server.start();
  const there = new Set(server.kubectl('get', 'cm', '-o', 'name').trim().split('\n'));
  assert.ok(acknowledged.length >= 25);
  assert.deepEqual(
    acknowledged.filter(name => !there.has(`configmap/${name}`)),
    [],
  );
  server.kubectl('create', 'deployment', 'after', '--image=busybox');
  server.kubectl('wait', '--for=create', 'pods', '-l', 'app=after', '--timeout=20s');
});

/** Creates ConfigMaps through one kubectl, which says of each when the server has acknowledged it. */
function writeUntilKilled(server: Server) {
  const kubectl = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'create', '-f', '-'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const names: string[] = [];
  let onName: () => void = () => undefined;
  kubectl.stdout.setEncoding('utf8').on('data', (text: string) => {
    names.push(...Array.from(text.matchAll(/configmap\/(\S+) created/g), ([, name]) => name!));
    onName();
  });
  kubectl.stdin.on('error', () => undefined); // it ends while there is more to write: that is the point
  const pad = 'x'.repeat(2000);
  const documents = Array.from(
    { length: 1000 },
    (_, i) => `---\n{ apiVersion: v1, kind: ConfigMap, metadata: { name: w${i} }, data: { pad: ${pad} } }\n`,
  );
  kubectl.stdin.end(documents.join(''));
  const closed = once(kubectl, 'close');
  return {
    untilMade: (count: number) =>
      new Promise<void>(resolve => {
        onName = () => names.length >= count && resolve();
        onName();
      }),
    /** Ends it, and gives what it had been told. */
    async end() {
      kubectl.kill();
      await closed;
      return names;
    },
  };
}

test('a full disk: writes are refused with a reason, reads go on, and with space it goes on', {
  skip: isRoot ? false : 'needs root to mount a small file system',
}, async t => {
  const path = folder(t);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', path], { encoding: 'utf8' });
  if (mounted.status !== 0) return t.skip(`mount: ${mounted.stderr.trim()}`);
  try {
    await fillAndRecover(path);
  } finally {
    spawnSync('umount', [path]);
  }
});

async function fillAndRecover(path: string): Promise<void> {
  await using server = await startServer({ dataFolder: path });
  server.kubectl('create', 'configmap', 'before', '--from-literal=a=1');
  const ballast = join(path, 'ballast');
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k']); // until it fails
  const large = `---\n{ apiVersion: v1, kind: ConfigMap, metadata: { name: large }, data: { pad: ${'x'.repeat(400_000)} } }`;
  const refused = server.tryKubectl(['create', '-f', '-'], large);
  assert.notEqual(refused.status, 0, refused.stdout);
  assert.match(refused.stderr, /disk is full|no space/i);
  assert.equal(server.kubectl('get', 'cm', 'before', '-o', 'jsonpath={.data.a}'), '1');
  assert.match(server.tryKubectl(['get', 'cm', 'large']).stderr, /NotFound/);
  rmSync(ballast);
  assert.equal(server.tryKubectl(['create', '-f', '-'], large).stdout, 'configmap/large created\n');
  await server.stop('SIGTERM');
  await server.start();
  assert.equal(server.kubectl('get', 'cm', 'before', 'large', '-o', 'name'), 'configmap/before\nconfigmap/large\n');
}
