import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from './temporary.ts';

/** Files for TLS of clients: the members show `cert`, and want clients to show one that `ca` has signed. */
export interface EtcdTlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface EtcdMemberProcess {
  /** `127.0.0.1:port`, for clients. */
  readonly endpoint: string;
  /** Also after it was killed; resolves when it serves again. */
  start(): Promise<void>;
  /** SIGKILL, SIGTERM: resolves when the process is gone. SIGSTOP, SIGCONT: at once. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
}

/** One etcd of some members on loopback, in a temporary folder. Disposing it ends them and removes the folder. */
export interface EtcdProcesses extends AsyncDisposable {
  readonly members: readonly EtcdMemberProcess[];
  readonly endpoints: readonly string[];
}

/** Why etcd cannot be started here; undefined: it can. */
export function missingEtcd(): string | undefined {
  const { error } = spawnSync('etcd', ['--version']);
  return error ? 'etcd is not installed (Debian package etcd-server)' : undefined;
}

/** Starts `members` (default one) members and resolves when all of them serve. Elections take tenths of a second, so that tests need not wait. */
export async function startEtcd(options: { members?: number; tls?: EtcdTlsFiles } = {}): Promise<EtcdProcesses> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const count = options.members ?? 1;
  const ports = await freePorts(2 * count);
  const scheme = options.tls ? 'https' : 'http';
  const peerUrl = (index: number) => `http://127.0.0.1:${ports[count + index]}`;
  const initial = Array.from({ length: count }, (_, index) => `m${index}=${peerUrl(index)}`).join(',');
  const members = Array.from({ length: count }, (_, index) => {
    const clientUrl = `${scheme}://127.0.0.1:${ports[index]}`;
    const { tls } = options;
    return createMember(`127.0.0.1:${ports[index]}`, [
      ...['--name', `m${index}`, '--data-dir', join(folder.path, `m${index}`)],
      ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
      ...['--listen-peer-urls', peerUrl(index), '--initial-advertise-peer-urls', peerUrl(index)],
      ...['--initial-cluster', initial, '--logger', 'zap', '--log-outputs', 'stderr'],
      ...['--heartbeat-interval', '50', '--election-timeout', '500'],
      ...(tls ? ['--cert-file', tls.cert, '--key-file', tls.key, '--trusted-ca-file', tls.ca] : []),
      ...(tls ? ['--client-cert-auth'] : []),
    ]);
  });
  cleanup.defer(async () => {
    await Promise.all(members.map(member => member.signal('SIGKILL')));
  });
  await Promise.all(members.map(member => member.start()));
  const running = cleanup.move();
  return {
    members,
    endpoints: members.map(({ endpoint }) => endpoint),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function createMember(endpoint: string, args: readonly string[]): EtcdMemberProcess {
  let child: ChildProcess | undefined;
  const isAlive = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    endpoint,
    async start() {
      child = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
      const said: string[] = [];
      const serves = new Promise<void>((resolve, reject) => {
        const lines = createInterface({ input: child!.stderr! });
        lines.on('line', line => {
          said.push(line);
          if (said.length > 50) said.shift();
          if (/ready to serve client requests|serving (insecure )?client (traffic|requests)/.test(line)) resolve();
        });
        child!.once('exit', () => reject(new Error(`etcd ended:\n${said.join('\n')}`)));
        child!.once('error', reject);
      });
      await serves;
    },
    async signal(name) {
      if (!isAlive()) return;
      const gone = once(child!, 'exit');
      child!.kill(name);
      // What stands still dies all the same, of SIGKILL alone.
      if (name === 'SIGKILL' || name === 'SIGTERM') await gone;
    },
  };
}

/** Ports that nobody has at the moment: all are held together, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => (server.address() as { port: number }).port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}
