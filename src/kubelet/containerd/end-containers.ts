import { readFileSync } from 'node:fs';
import type { Clock } from '#base';
import { descendantsOf, listProcesses, type ProcessInfo, sendSignal } from './processes.ts';

const lookMs = 50;
/** A process that SIGKILL does not end hangs in the kernel; waiting longer is of no use. */
const killMs = 10_000;

export interface EndOptions {
  socketPath: string;
  /** Ids of containers, by which processes without a shim are found in their control group. */
  ids: readonly string[];
  clock: Clock;
  graceMs: number;
  say(line: string): void;
}

/** Ends all containers and shims of one containerd: first asked, as databases like it, then killed. */
export async function endContainers(options: EndOptions): Promise<void> {
  const { clock, graceMs, say } = options;
  const first = look(options);
  // The pause processes do not hear it and need not.
  for (const one of first.inside) if (!isPause(one)) sendSignal(one.pid, 'SIGTERM');
  const untilMs = clock.monotonicMs() + graceMs;
  while (look(options).inside.some(one => !isPause(one)) && clock.monotonicMs() < untilMs) await clock.sleep(lookMs);
  // A shim that sees its container end would call containerd; both go together.
  const left = await kill(() => Object.values(look(options)).flat(), clock);
  if (first.shims.length) say(`ended ${first.shims.length} pods`);
  for (const { pid, args } of left) say(`process ${pid} (${args[0]}) does not end`);
}

/** Asks, and kills what has not ended after the grace. */
export async function endProcesses(
  { clock, graceMs, say }: Pick<EndOptions, 'clock' | 'graceMs' | 'say'>,
  isMeant: (one: ProcessInfo) => boolean,
  what: string,
): Promise<void> {
  const found = () => listProcesses().filter(one => one.pid !== process.pid && isMeant(one));
  const first = found();
  for (const one of first) sendSignal(one.pid, 'SIGTERM');
  const untilMs = clock.monotonicMs() + graceMs;
  while (found().length && clock.monotonicMs() < untilMs) await clock.sleep(lookMs);
  const left = await kill(found, clock);
  if (first.length) say(left.length ? `${what} does not end` : `stopped ${what}`);
}

async function kill(found: () => readonly ProcessInfo[], clock: Clock): Promise<readonly ProcessInfo[]> {
  const untilMs = clock.monotonicMs() + killMs;
  for (;;) {
    const left = found();
    if (left.length === 0 || clock.monotonicMs() > untilMs) return left;
    for (const one of left) sendSignal(one.pid, 'SIGKILL');
    await clock.sleep(lookMs);
  }
}

/** The shims, and the processes of containers: below a shim, or, where that has died, in the container's control group. */
function look({ socketPath, ids }: EndOptions): { shims: ProcessInfo[]; inside: ProcessInfo[] } {
  const all = listProcesses();
  const shims = all.filter(
    ({ args }) => args[0]?.includes('containerd-shim') && args[args.indexOf('-address') + 1] === socketPath,
  );
  const below = descendantsOf(
    shims.map(({ pid }) => pid),
    all,
  );
  const known = new Set([...shims, ...below].map(({ pid }) => pid));
  const orphans = all.filter(({ pid }) => !known.has(pid) && isInGroupOf(pid, ids));
  return { shims, inside: [...below, ...orphans] };
}

const isPause = ({ args }: ProcessInfo) => args.length === 1 && args[0] === '/pause';

function isInGroupOf(pid: number, ids: readonly string[]): boolean {
  if (ids.length === 0) return false;
  try {
    const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    return ids.some(id => groups.includes(id));
  } catch {
    return false; // it ended while we looked
  }
}
