import { parseCapabilities } from '../capabilities.ts';
import type { Finding } from './finding.ts';
import type { Machine } from './machine.ts';

/** NAT in tables of the family inet came with it. */
const oldestKernel = [5, 2] as const;
/** Whatever this program is, it was built after that. */
const earliestYear = 2025;

/** First of all: undefined on Linux, else the finding that makes all others pointless. */
export async function findOtherSystem(machine: Machine): Promise<Finding | undefined> {
  const type = (await machine.read('/proc/sys/kernel/ostype'))?.trim();
  if (type === 'Linux') return undefined;
  const remedy = 'start it on Linux with /proc mounted: a machine, a virtual machine or a privileged container';
  return { name: 'kernel', state: 'missing', found: type ?? 'not Linux, or /proc is not mounted', remedy };
}

export async function checkKernel(machine: Machine): Promise<Finding[]> {
  const release = (await machine.read('/proc/sys/kernel/osrelease'))?.trim() ?? '';
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const name = 'kernel';
  const found = `Linux ${release}`;
  if (major > oldestKernel[0] || (major === oldestKernel[0] && minor >= oldestKernel[1]))
    return [{ name, state: 'ok', found }];
  return [{ name, state: 'missing', found, remedy: `install Linux ${oldestKernel.join('.')} or newer` }];
}

/** The rights of this process, and so of all that it starts. */
export async function checkRights(machine: Machine): Promise<Finding[]> {
  const status = (await machine.read('/proc/self/status')) ?? '';
  const held = parseCapabilities(/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0');
  const lacking = ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN'].filter(name => !held.has(name));
  return [checkUser(userOf(status), lacking), checkScores(held)];
}

/** True for effective user 0: what needs root to be tried out is tried out. */
export async function isRoot(machine: Machine): Promise<boolean> {
  return userOf((await machine.read('/proc/self/status')) ?? '') === 0;
}

export async function checkClock(machine: Machine): Promise<Finding[]> {
  const now = new Date(machine.nowMs());
  const [name, found] = ['clock', now.toISOString()];
  if (now.getUTCFullYear() >= earliestYear) return [{ name, state: 'ok', found }];
  const remedy = 'set the time (timedatectl set-ntp true): certificates would not be valid';
  return [{ name, state: 'missing', found, remedy }];
}

function checkUser(user: number | undefined, lacking: readonly string[]): Finding {
  const name = 'rights';
  if (user !== 0) return { name, state: 'missing', found: `user ${user}`, remedy: 'start it as root (sudo)' };
  if (!lacking.length) return { name, state: 'ok', found: 'root with CAP_SYS_ADMIN and CAP_NET_ADMIN' };
  const remedy = 'start it outside of the container, or in one that is privileged';
  return { name, state: 'missing', found: `root without ${lacking.join(' and ')}`, remedy };
}

function checkScores(held: ReadonlySet<string>): Finding {
  const name = 'oom scores';
  if (held.has('CAP_SYS_RESOURCE')) return { name, state: 'ok', found: 'may be lowered' };
  const remedy =
    'handled: scores are kept as they are, so guaranteed pods have no better place when memory ends; CAP_SYS_RESOURCE gives it';
  return { name, state: 'warning', found: 'may not be lowered: CAP_SYS_RESOURCE is lacking', remedy };
}

/** The second number is the effective one. */
function userOf(status: string): number | undefined {
  const user = /^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1];
  return user === undefined ? undefined : Number(user);
}
