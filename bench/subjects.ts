/** The two servers that are compared, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { root, wherry } from '../tools/server.ts';
import type { Credentials, Target } from './load.ts';

export interface Subject extends AsyncDisposable {
  target: Target;
  pid: number;
  dataFolder: string;
}

/** A control plane on a free port, ready. */
export async function startWherry(
  args: readonly string[] = ['--disable-agent'],
): Promise<Subject & { readyMs: number }> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'wherry-bench-'));
  const subject = await launchWherry(dataFolder, args);
  return {
    ...subject,
    [Symbol.asyncDispose]: async () => {
      await subject[Symbol.asyncDispose]();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/** Starts it on a data folder that may have been used before; `readyMs` is from the start of the process to the first 200 of /readyz. */
export async function launchWherry(
  dataFolder: string,
  args: readonly string[],
): Promise<Subject & { readyMs: number }> {
  const port = 20000 + (process.pid % 10000);
  const kubeconfig = join(dataFolder, 'kubeconfig.yaml');
  const startMs = performance.now();
  const child = spawn(
    wherry,
    [
      'server',
      '--data-dir',
      dataFolder,
      '--write-kubeconfig',
      kubeconfig,
      '--bind-address',
      '127.0.0.1',
      '--https-listen-port',
      String(port),
      '--log-level',
      'warn',
      ...args,
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const url = `https://127.0.0.1:${port}`;
  const credentials = await untilReady(url, kubeconfig, child);
  return {
    target: { url, credentials },
    pid: child.pid!,
    dataFolder,
    readyMs: performance.now() - startMs,
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** A bare Node server with the certificates of `like`. */
export async function startBare(like: Subject): Promise<Subject & { readyMs: number }> {
  const tls = join(like.dataFolder, 'server', 'tls');
  const options = {
    key: join(tls, 'serving-kube-apiserver.key'),
    certificate: join(tls, 'serving-kube-apiserver.crt'),
    clientCa: join(tls, 'client-ca.crt'),
  };
  const startMs = performance.now();
  const child = spawn(process.execPath, [join(root, 'bench/bare-server.ts'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(createInterface(child.stdout!), 'line')) as [string];
  const target = { url: `https://127.0.0.1:${port}`, credentials: like.target.credentials };
  await waitForAnswer(target, '/bytes/2');
  return {
    target,
    pid: child.pid!,
    dataFolder: like.dataFolder,
    readyMs: performance.now() - startMs,
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function untilReady(url: string, kubeconfig: string, child: ChildProcess): Promise<Credentials> {
  const { openSession, send } = await import('./load.ts');
  for (;;) {
    if (child.exitCode !== null) throw new Error(`wherry ended with ${child.exitCode}`);
    try {
      const credentials = readCredentials(kubeconfig);
      const session = await openSession({ url, credentials });
      const { status } = await send(session, { method: 'GET', path: '/readyz' });
      session.destroy();
      if (status === 200) return credentials;
    } catch (error) {
      if (!isNotYet(error)) throw error;
    }
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

async function waitForAnswer(target: Target, path: string): Promise<void> {
  const { openSession, send } = await import('./load.ts');
  const session = await openSession(target);
  await send(session, { method: 'GET', path });
  session.destroy();
}

/** No kubeconfig and no listener yet: it is still starting. */
function isNotYet(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'ERR_HTTP2_STREAM_CANCEL'].includes(
    (error as NodeJS.ErrnoException).code ?? '',
  );
}

export function readCredentials(kubeconfig: string): Credentials {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'));
  const decode = (text: string) => Buffer.from(text, 'base64');
  return {
    ca: decode(clusters[0].cluster['certificate-authority-data']),
    cert: decode(users[0].user['client-certificate-data']),
    key: decode(users[0].user['client-key-data']),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
