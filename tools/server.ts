/** What make up, make down and the tests share: starting and stopping `./wherry` as a user would. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const wherry = join(root, 'wherry');

/** Prints a step with the seconds since the first one. */
export function say(text: string): void {
  process.stdout.write(`\x1b[2m[${(performance.now() / 1000).toFixed(1).padStart(5)} s]\x1b[0m ${text}\n`);
}

/** Runs a command, giving its output; throws with what it printed when it fails. */
export function run(command: string, args: readonly string[], input?: string): string {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit ${result.status}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

export function kubectl(...args: string[]): string {
  return run(wherry, ['kubectl', ...args]);
}

/** True when the API answers that it is ready. */
export function isReady(): boolean {
  const result = spawnSync(wherry, ['kubectl', '--request-timeout=2s', 'get', '--raw', '/readyz'], {
    encoding: 'utf8',
  });
  return result.status === 0 && result.stdout.trim() === 'ok';
}

/** Starts the server in a session of its own, its output in a file; gives its process id. */
export function startServer(logPath: string, args: readonly string[] = []): number {
  mkdirSync(join(logPath, '..'), { recursive: true });
  const log = openSync(logPath, 'a');
  const child = spawn(wherry, ['server', ...args], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  return child.pid!;
}

/** Calls `isDone` until it is true; throws with `what` and the end of the log after the time is over, or when the process died. */
export async function waitFor(
  what: string,
  isDone: () => boolean,
  options: { seconds: number; pid?: number; logPath?: string },
) {
  const until = performance.now() + options.seconds * 1000;
  while (!isDone()) {
    const died = options.pid !== undefined && !existsSync(`/proc/${options.pid}`);
    if (died || performance.now() > until) {
      const log = options.logPath ? readFileSync(options.logPath, 'utf8').split('\n').slice(-20).join('\n') : '';
      throw new Error(`${what}: ${died ? 'the server ended' : `not within ${options.seconds} s`}\n${log}`);
    }
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}
