import type { Finding } from './finding.ts';
import type { Machine } from './machine.ts';

/** A node with its usual 110 pods has some thousand files, sockets and pipes open in containerd and here. */
const leastFiles = 8192;

/** Every program of user 0 shares these, also those in pods. The numbers are the kernel's defaults of small machines. */
const settings = [
  { name: 'inotify instances', file: 'max_user_instances', least: 128, wanted: 8192 },
  { name: 'inotify watches', file: 'max_user_watches', least: 8192, wanted: 524_288 },
];

export async function checkLimits(machine: Machine): Promise<Finding[]> {
  return [await checkFiles(machine), ...(await Promise.all(settings.map(one => checkSetting(machine, one))))];
}

/** The hard limit: Node raises the soft one by itself. */
async function checkFiles(machine: Machine): Promise<Finding> {
  const name = 'open files';
  const limits = (await machine.read('/proc/self/limits')) ?? '';
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1] ?? 'unlimited';
  if (hard === 'unlimited' || Number(hard) >= leastFiles) return { name, state: 'ok', found: hard };
  return {
    name,
    state: 'warning',
    found: hard,
    remedy: 'raise it: LimitNOFILE=1048576 in the unit, or ulimit -n 1048576',
  };
}

async function checkSetting(machine: Machine, setting: (typeof settings)[number]): Promise<Finding> {
  const { name, file, least, wanted } = setting;
  const text = (await machine.read(`/proc/sys/fs/inotify/${file}`))?.trim();
  if (text === undefined) return { name, state: 'ok', found: 'not limited by a setting' };
  if (Number(text) >= least) return { name, state: 'ok', found: text };
  const remedy = `raise it: sysctl -w fs.inotify.${file}=${wanted}, and write that into /etc/sysctl.d`;
  return { name, state: 'warning', found: text, remedy };
}
