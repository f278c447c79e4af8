import type { Finding } from './finding.ts';
import type { Machine } from './machine.ts';

const folder = '/sys/fs/cgroup';
/** Without these, limits of pods are not kept. */
const needed = ['cpu', 'memory', 'pids'];

/** Which control groups there are, and whether limits can be set with them. */
export async function checkCgroups(machine: Machine): Promise<Finding[]> {
  const unified = await machine.read(`${folder}/cgroup.controllers`);
  const controllers = unified === undefined ? await machine.names(folder) : unified.trim().split(/\s+/);
  if (unified === undefined && !needed.some(name => controllers.includes(name))) {
    const remedy =
      'mount the control groups (mount -t cgroup2 none /sys/fs/cgroup), or start with the cgroup namespace of the host';
    return [{ name: 'cgroups', state: 'missing', found: `none at ${folder}`, remedy }];
  }
  const version = unified === undefined ? await describeOld(controllers) : 'v2';
  return [await checkVersion(machine, version), checkControllers(controllers)];
}

async function checkVersion(machine: Machine, version: string): Promise<Finding> {
  const name = 'cgroups';
  if (!(await machine.writable(folder))) {
    const remedy = 'mount them writable: in a container, start it privileged';
    return { name, state: 'missing', found: `${version}, read-only`, remedy };
  }
  if (version === 'v2') return { name, state: 'ok', found: version };
  const remedy =
    'works; Kubernetes leaves version 1 behind, so boot with systemd.unified_cgroup_hierarchy=1 where you can';
  return { name, state: 'warning', found: version, remedy };
}

function checkControllers(present: readonly string[]): Finding {
  const name = 'cgroup controllers';
  const lacking = needed.filter(one => !present.includes(one));
  if (!lacking.length) return { name, state: 'ok', found: needed.join(', ') };
  const remedy = lacking.includes('memory')
    ? 'add cgroup_enable=memory cgroup_memory=1 to the kernel command line (Raspberry Pi: /boot/firmware/cmdline.txt) and boot again'
    : 'use a kernel that has them, or hand them down to this container';
  return { name, state: 'missing', found: `without ${lacking.join(', ')}`, remedy };
}

/** Hybrid: version 1 with an empty version 2 beside it, which systemd uses for itself. */
async function describeOld(controllers: readonly string[]): Promise<string> {
  return controllers.includes('unified') ? 'v1 (hybrid)' : 'v1';
}
