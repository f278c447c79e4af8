/** A client of its own process that asks as fast as it is answered, until it is told to end. Started with a JSON argument by `startBackground`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../tools/server.ts';
import { type Call, openSession, send, type Target } from './load.ts';

export interface BackgroundLoad {
  readonly target: Target;
  readonly connections: number;
  /** Calls under way at once on each connection. */
  readonly streams: number;
  /** `{n}` in path and body is another number in each call. */
  readonly call: Call;
}

/** Starts it and waits for its first answer. Disposing ends it. */
export async function startBackground(load: BackgroundLoad): Promise<AsyncDisposable & { child: ChildProcess }> {
  const { target } = load;
  const text = (value: string | Buffer | undefined) => value?.toString();
  const { ca, cert, key } = target.credentials;
  const credentials = { ca: text(ca), cert: text(cert), key: text(key) };
  const argument = JSON.stringify({ ...load, target: { ...target, credentials } });
  const child = spawn(process.execPath, [join(root, 'bench/background.ts'), argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const first = await Promise.race([once(createInterface(child.stdout!), 'line'), once(child, 'exit')]);
  if (child.exitCode !== null) throw new Error(`the load in the background ended: ${first}`);
  return {
    child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the load in the background has ended');
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function main(load: BackgroundLoad): Promise<void> {
  let count = 0;
  let isAnswered = false;
  // Runs of one measurement must not meet the names of those before.
  const run = `${process.pid}-${process.hrtime.bigint()}`;
  const fill = (template: string) => template.replaceAll('{n}', `${run}-${count}`);
  const work = async (session: Awaited<ReturnType<typeof openSession>>) => {
    for (;;) {
      count++;
      const { path, body } = load.call;
      const filled = typeof body === 'string' ? { body: fill(body) } : {};
      const { status, text } = await send(session, { ...load.call, path: fill(path), ...filled });
      // To be refused is what a flood must expect.
      if (status >= 300 && status !== 429) throw new Error(`${path}: ${status} ${text()}`);
      if (!isAnswered) process.stdout.write('answered\n');
      isAnswered = true;
    }
  };
  const sessions = await Promise.all(Array.from({ length: load.connections }, () => openSession(load.target)));
  await Promise.all(sessions.flatMap(session => Array.from({ length: load.streams }, () => work(session))));
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2]!));
