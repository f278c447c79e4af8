/** Several servers on one etcd, each a process of its own on an address of loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '#base';
import { type Client, createClient, createHttpsTransport, loadKubeconfig } from '#client';
import { wherry } from '../../tools/server.ts';

export interface ClusterServer {
  readonly name: string;
  readonly dataFolder: string;
  /** The admin's; calls fail after some seconds. Usable once the server has started. */
  readonly client: Client;
  /** Resolves when it is ready; rejects with its log when it ends before. */
  start(): Promise<void>;
  /** SIGKILL, SIGTERM: resolves when the process is gone. */
  signal(name: NodeJS.Signals): Promise<void>;
  log(): string;
}

export interface Servers extends AsyncDisposable {
  readonly servers: readonly ClusterServer[];
  /** A further server, not started; by default with the token of the others. */
  add(args?: readonly string[]): ClusterServer;
}

const clock = createSystemClock();
const callMs = 8000;
const readyMs = 30_000;

/** Prepares servers without nodes; `args` are common to all and name the datastore. None is started. */
export async function prepareServers(count: number, args: readonly string[]): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-kill-'));
  const port = await freePort();
  const servers: ClusterServer[] = [];
  const cleanup = new AsyncDisposableStack();
  const add = (own: readonly string[] = ['--token', 'several-servers']) => {
    const server = createClusterServer({ index: servers.length + 1, folder, port, args: [...args, ...own] }, cleanup);
    servers.push(server);
    return server;
  };
  for (let index = 0; index < count; index++) add();
  return {
    servers,
    add,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(server => server.signal('SIGKILL')));
      await cleanup.disposeAsync();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function createClusterServer(
  about: { index: number; folder: string; port: number; args: readonly string[] },
  cleanup: AsyncDisposableStack,
): ClusterServer {
  const { index, folder, port } = about;
  const name = `server-${index}`;
  const dataFolder = join(folder, name);
  const [kubeconfig, logPath] = [join(folder, `${name}.yaml`), join(folder, `${name}.log`)];
  const args = [
    ...['server', '--disable-agent', '--data-dir', dataFolder, '--write-kubeconfig', kubeconfig, '--node-name', name],
    ...['--bind-address', `127.0.0.${index}`, '--advertise-address', `10.255.0.${index}`],
    ...['--https-listen-port', String(port), ...about.args],
  ];
  let child: ChildProcess | undefined;
  let client: Client | undefined;
  const isAlive = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  const log = () => (existsSync(logPath) ? readFileSync(logPath, 'utf8') : '');
  const connect = () => {
    const access = loadKubeconfig(readFileSync(kubeconfig, 'utf8'));
    const transport = cleanup.use(createHttpsTransport({ ...access, clock, timeoutMs: callMs }));
    return createClient({ transport, userAgent: 'test', fieldManager: 'test' });
  };
  const isReady = async () => {
    if (!existsSync(kubeconfig)) return false;
    client ??= connect();
    try {
      const { status, body } = await client.raw({ method: 'GET', path: '/readyz' });
      // An answer that is not read to its end keeps the server from stopping at once.
      for await (const _ of body);
      return status === 200;
    } catch {
      return false; // it does not listen yet
    }
  };
  return {
    name,
    dataFolder,
    log,
    get client() {
      if (!client) throw new Error(`${name} has not been started`);
      return client;
    },
    async start() {
      const file = openSync(logPath, 'a');
      child = spawn(wherry, args, { stdio: ['ignore', file, file] });
      closeSync(file);
      const untilMs = clock.monotonicMs() + readyMs;
      while (!(await isReady())) {
        if (!isAlive()) throw new Error(`${name} ended:\n${log()}`);
        if (clock.monotonicMs() > untilMs) throw new Error(`${name} is not ready:\n${log()}`);
        await clock.sleep(50);
      }
    },
    async signal(signal) {
      if (!isAlive()) return;
      const gone = once(child!, 'exit');
      child!.kill(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await gone;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Asks until it gives something; fails with `what` after `seconds`. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, seconds = 45): Promise<T> {
  const untilMs = clock.monotonicMs() + seconds * 1000;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer) return answer;
    if (clock.monotonicMs() > untilMs) throw new Error(`${what}: not within ${seconds} s`);
    await clock.sleep(100);
  }
}
