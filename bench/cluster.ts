/** A server with a node for the measurements of pods: started as a user would, with the image of examples/busybox in it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, wherry } from '../tools/server.ts';
import { type ApiClient, openApi } from './pods.ts';
import { readCredentials } from './subjects.ts';

export const image = 'busybox:1';

export interface NodeCluster extends AsyncDisposable {
  readonly pid: number;
  readonly dataFolder: string;
  readonly api: ApiClient;
}

/** Why there can be no pods on this machine; undefined: there can. */
export function missingForPods(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const lacking = ['containerd', 'runc', 'nft', 'ip'].filter(
    name => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${name}`]).status !== 0,
  );
  return lacking.length ? `needs ${lacking.join(', ')}` : undefined;
}

/** Starts it and waits until the node is ready. Disposing ends server, containerd and pods, and removes the folder. */
export async function startCluster(): Promise<NodeCluster> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'wherry-bench-node-'));
  const images = join(dataFolder, 'agent', 'images');
  mkdirSync(images, { recursive: true });
  runWherry(['image', 'build', join(root, 'examples', 'busybox'), '--output', join(images, 'busybox.tar')]);
  const kubeconfig = join(dataFolder, 'kubeconfig.yaml');
  const port = 25000 + (process.pid % 2000);
  const log = openSync(join(dataFolder, 'server.log'), 'a');
  const child = spawn(
    wherry,
    [
      ...['server', '--data-dir', dataFolder, '--write-kubeconfig', kubeconfig],
      ...['--https-listen-port', String(port), '--kubelet-port', String(port + 2000)],
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const stop = async () => {
    spawnSync(wherry, ['killall', '--data-dir', dataFolder], { stdio: 'ignore' });
    await end(child);
    rmSync(dataFolder, { recursive: true, force: true });
  };
  try {
    const untilMs = performance.now() + readyMs;
    await untilThere(kubeconfig, child, untilMs);
    const api = openApi({ url: `https://127.0.0.1:${port}`, credentials: readCredentials(kubeconfig) });
    await untilNodeReady(api, child, untilMs);
    return { pid: child.pid!, dataFolder, api, [Symbol.asyncDispose]: stop };
  } catch (error) {
    const said = readFileSync(join(dataFolder, 'server.log'), 'utf8');
    await stop();
    throw new Error(`no cluster: ${(error as Error).message}\n${said}`, { cause: error });
  }
}

async function untilThere(path: string, child: ChildProcess, untilMs: number): Promise<void> {
  while (!existsSync(path)) await pause(child, untilMs);
}

/** How long a node may take to be ready. */
const readyMs = 120_000;

async function untilNodeReady(api: ApiClient, child: ChildProcess, untilMs: number): Promise<void> {
  for (;;) {
    const nodes = await api.get('/api/v1/nodes').catch(() => undefined); // not listening yet
    const conditions: { type: string; status: string }[] = nodes?.items[0]?.status.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) return;
    await pause(child, untilMs);
  }
}

async function pause(child: ChildProcess, untilMs: number): Promise<void> {
  if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
  if (performance.now() > untilMs) throw new Error('the node is not ready after two minutes');
  await new Promise(resolve => setTimeout(resolve, 50));
}

function runWherry(args: readonly string[]): void {
  const { status, stderr } = spawnSync(wherry, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`wherry ${args.join(' ')}: ${stderr}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
