/** A real server, started as a user would, for whole-system tests: real API over TLS, real kubectl, real containers. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root, wherry } from '../../tools/server.ts';

export interface Output {
  status: number;
  stdout: string;
  stderr: string;
}

export interface Server extends AsyncDisposable {
  readonly dataFolder: string;
  readonly kubeconfig: string;
  readonly url: string;
  readonly pid: number;
  /** Runs kubectl and fails the test when it fails; gives what it printed. */
  kubectl(...args: string[]): string;
  /** Runs kubectl and gives everything. */
  tryKubectl(args: readonly string[], input?: string, environment?: Record<string, string>): Output;
  /** As tryKubectl, but without holding up the other tests of the file. */
  runKubectl(args: readonly string[], input?: string): Promise<Output>;
  /** `kubectl apply -f -`. */
  apply(manifest: string): string;
  /** Ends it with a signal and waits; the data stays. */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  log(): string;
}

export interface ServerOptions {
  args?: readonly string[];
  /** With a node: needs root, containerd and the CNI plugins. */
  node?: boolean;
  /** A folder of the caller's, which stays; default a temporary one. */
  dataFolder?: string;
}

/** Why there can be no pods on this machine; undefined: there can. */
export function missingForPods(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const lacking = ['containerd', 'runc', 'nft', 'ip'].filter(
    name => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${name}`]).status !== 0,
  );
  return lacking.length ? `needs ${lacking.join(', ')}` : undefined;
}

let ports = 21000 + (process.pid % 4000) * 2;

/** Starts a server and waits until it is ready (with a node: until the node is). */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'wherry-e2e-'));
  const kubeconfig = join(dataFolder, 'kubeconfig.yaml');
  const port = ports++;
  const logPath = join(dataFolder, 'server.log');
  const args = [
    ...['server', '--data-dir', dataFolder, '--write-kubeconfig', kubeconfig, '--https-listen-port', String(port)],
    ...(options.node ? ['--kubelet-port', String(ports++)] : ['--disable-agent', '--bind-address', '127.0.0.1']),
    ...(options.args ?? []),
  ];
  if (options.node) linkImages(dataFolder);
  let child: ChildProcess | undefined;
  // kubectl keeps what it learns of a server for hours: not in the user's home, and gone with the data.
  const kubectlEnvironment = { ...process.env, KUBECACHEDIR: join(dataFolder, 'kubectl-cache') };
  const tryKubectl: Server['tryKubectl'] = (kubectlArgs, input, environment) => {
    const result = spawnSync('kubectl', ['--kubeconfig', kubeconfig, ...kubectlArgs], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      timeout: 180_000,
      env: { ...kubectlEnvironment, ...environment },
      ...(input === undefined ? {} : { input }),
    });
    return { status: result.status ?? 1, stdout: result.stdout, stderr: result.stderr };
  };
  const kubectl = (...kubectlArgs: string[]) => {
    const { status, stdout, stderr } = tryKubectl(kubectlArgs);
    if (status !== 0) throw new Error(`kubectl ${kubectlArgs.join(' ')}: exit ${status}\n${stdout}${stderr}`);
    return stdout;
  };
  const server: Server = {
    dataFolder,
    kubeconfig,
    url: `https://127.0.0.1:${port}`,
    get pid() {
      return child!.pid!;
    },
    kubectl,
    tryKubectl,
    async runKubectl(kubectlArgs, input) {
      const process = spawn('kubectl', ['--kubeconfig', kubeconfig, ...kubectlArgs], { env: kubectlEnvironment });
      const closed = once(process, 'close');
      process.stdin.end(input);
      const [stdout, stderr] = await Promise.all([text(process.stdout), text(process.stderr)]);
      const [status] = await closed;
      return { status: status ?? 1, stdout, stderr };
    },
    apply(manifest) {
      const { status, stdout, stderr } = tryKubectl(['apply', '-f', '-'], manifest);
      if (status !== 0) throw new Error(`kubectl apply: exit ${status}\n${stdout}${stderr}`);
      return stdout;
    },
    async stop(signal) {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
    async start() {
      const log = openSync(logPath, 'a');
      child = spawn(wherry, args, { stdio: ['ignore', log, log] });
      closeSync(log);
      await untilReady(server, child, options.node ?? false);
    },
    log: () => readFileSync(logPath, 'utf8'),
    async [Symbol.asyncDispose]() {
      if (process.env['KEEP'] === 'failure' && process.exitCode) return;
      if (options.node) spawnSync(wherry, ['killall', '--data-dir', dataFolder], { stdio: 'inherit' });
      await server.stop('SIGTERM');
      if (!options.dataFolder) rmSync(dataFolder, { recursive: true, force: true });
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

async function untilReady(server: Server, child: ChildProcess, withNode: boolean): Promise<void> {
  const untilMs = performance.now() + 60_000;
  const isReady = () => {
    if (server.tryKubectl(['--request-timeout=2s', 'get', '--raw', '/readyz']).stdout !== 'ok') return false;
    return !withNode || / Ready /.test(server.tryKubectl(['get', 'nodes']).stdout);
  };
  while (!isReady()) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}\n${server.log()}`);
    if (performance.now() > untilMs) throw new Error(`the server is not ready after 60 s\n${server.log()}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

const imageCache = join(root, 'build', 'images');

function newestMs(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map(file => statSync(join(folder, file)).mtimeMs));
}

/** The images of examples/, built once for all tests, and again when what they are made of changes. */
function linkImages(dataFolder: string): void {
  const target = join(dataFolder, 'agent', 'images');
  mkdirSync(target, { recursive: true });
  mkdirSync(imageCache, { recursive: true });
  for (const folder of ['busybox', 'shop/images/web', 'shop/images/api', 'shop/images/store']) {
    const archive = join(imageCache, `${folder.split('/').at(-1)}.tar`);
    if (!existsSync(archive) || statSync(archive).mtimeMs < newestMs(join(root, 'examples', folder))) {
      const built = spawnSync(wherry, ['image', 'build', join(root, 'examples', folder), '--output', archive], {
        encoding: 'utf8',
      });
      if (built.status !== 0) throw new Error(`building ${folder}: ${built.stderr}`);
    }
    const copied = spawnSync('cp', [archive, target]);
    if (copied.status !== 0) throw new Error(`copying ${archive}: ${copied.stderr}`);
  }
}

/** Asks until `isDone` gives something, every 200 ms; fails the test with `what` after `seconds`. For what kubectl wait cannot say. */
export async function eventually<T>(what: string, isDone: () => T | undefined | false, seconds = 60): Promise<T> {
  const untilMs = performance.now() + seconds * 1000;
  for (;;) {
    const result = isDone();
    if (result) return result;
    if (performance.now() > untilMs) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}
