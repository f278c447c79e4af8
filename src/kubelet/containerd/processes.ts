import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** Arguments, the program first; empty for threads of the kernel and what has ended. */
  args: readonly string[];
}

/** All processes of this machine as /proc shows them now. */
export function listProcesses(proc = '/proc'): ProcessInfo[] {
  return readdirSync(proc)
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      const found = readProcess(Number(name), proc);
      return found ? [found] : [];
    });
}

/** Undefined when it does not run (any more); a zombie has ended. */
export function readProcess(pid: number, proc = '/proc'): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`${proc}/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything: what counts stands behind it.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const args = readFileSync(`${proc}/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    return { pid, parent: Number(parent), args };
  } catch {
    return undefined; // it ended while we looked
  }
}

/** A containerd that was started with this configuration file. */
export function isContainerd({ args }: ProcessInfo, configPath: string): boolean {
  const at = args.indexOf('--config');
  return at > 0 && args[at + 1] === configPath;
}

/** As isContainerd; ids of processes are given out again, so an id alone says nothing. */
export function isContainerdAt(pid: number, configPath: string): boolean {
  const found = pid > 0 ? readProcess(pid) : undefined;
  return found !== undefined && isContainerd(found, configPath);
}

/** The containerd with this configuration, also when the note of its id is lost. */
export function findContainerd(notedPid: number, configPath: string): number | undefined {
  if (isContainerdAt(notedPid, configPath)) return notedPid;
  return listProcesses().find(one => isContainerd(one, configPath))?.pid;
}

/** Whether the process runs another program than the one that now stands at the path: after an upgrade. */
export function isReplaced(pid: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== realpathSync(path);
  } catch {
    return true; // it has just ended, or the program is gone: the start tells
  }
}

/** The processes below these, without themselves. */
export function descendantsOf(pids: readonly number[], all: readonly ProcessInfo[]): ProcessInfo[] {
  const children = new Map<number, ProcessInfo[]>();
  for (const one of all) children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
  const below = (pid: number): ProcessInfo[] =>
    (children.get(pid) ?? []).flatMap(child => [child, ...below(child.pid)]);
  return pids.flatMap(below);
}

/** False when there was nobody to take the signal. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
