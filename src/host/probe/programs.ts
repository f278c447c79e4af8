import { join } from 'node:path';
import type { Finding, ProbeOptions } from './finding.ts';
import type { Machine } from './machine.ts';
import { attempt } from './machine.ts';

/** As the cluster looks for them, whatever PATH this program was started with. */
const usualFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

interface Need {
  name: string;
  /** Absent: nobody asks for the version. */
  versionArgs?: readonly string[];
  /** Major and minor number. */
  oldest?: readonly [number, number];
  state: 'warning' | 'missing';
  remedy: string;
}

const needs: readonly Need[] = [
  {
    // CRI v1 came with it.
    ...{ name: 'containerd', versionArgs: ['--version'], oldest: [1, 6], state: 'missing' },
    remedy: 'install containerd 1.6 or newer (package containerd)',
  },
  {
    ...{ name: 'runc', versionArgs: ['--version'], oldest: [1, 0], state: 'missing' },
    remedy: 'install runc 1.0 or newer (package runc)',
  },
  { name: 'ip', versionArgs: ['-V'], state: 'missing', remedy: 'install the package iproute2' },
  { name: 'bridge', state: 'warning', remedy: 'install the package iproute2: without it one node is all that works' },
  {
    name: 'conntrack',
    state: 'warning',
    remedy: 'install the package conntrack: without it UDP keeps going to ended pods',
  },
  { name: 'kubectl', state: 'warning', remedy: 'install kubectl; the cluster itself does not need it' },
];

export async function checkPrograms(machine: Machine, options: ProbeOptions): Promise<Finding[]> {
  return Promise.all(needs.map(need => checkProgram(machine, need, options.programs?.[need.name])));
}

/** ptp and host-local are the pod network, loopback is what containerd adds to every pod. */
export async function checkPlugins(machine: Machine, { cniBinDirs }: ProbeOptions): Promise<Finding[]> {
  const name = 'CNI plugins';
  const places = await Promise.all(
    ['ptp', 'host-local', 'loopback'].map(async plugin => ({
      plugin,
      folder: await findIn(machine, plugin, cniBinDirs),
    })),
  );
  const lacking = places.filter(({ folder }) => folder === undefined).map(({ plugin }) => plugin);
  if (!lacking.length)
    return [
      {
        name,
        state: 'ok',
        found: `ptp, host-local, loopback in ${[...new Set(places.map(one => one.folder))].join(', ')}`,
      },
    ];
  const found = `without ${lacking.join(', ')} in ${cniBinDirs.join(', ')}`;
  const remedy = 'install the package containernetworking-plugins, or name their folder with --cni-bin-dir';
  return [{ name, state: 'missing', found, remedy }];
}

async function checkProgram(machine: Machine, need: Need, given: string | undefined): Promise<Finding> {
  const { name, state, remedy } = need;
  const path = given ?? (await findProgram(machine, name));
  if (!path || (given && !(await machine.executable(given))))
    return { name, state, found: given ? `not at ${given}` : 'not installed', remedy };
  if (!need.versionArgs) return { name, state: 'ok', found: path };
  const { output, trouble } = await attempt(machine, [path, ...need.versionArgs]);
  if (trouble !== undefined) return { name, state, found: `${path} does not run: ${trouble}`, remedy };
  const version = /\d+\.\d+(\.\d+)?/.exec(output ?? '')?.[0];
  if (need.oldest && version && isOlder(version, need.oldest))
    return { name, state, found: `${path} is ${version}, too old`, remedy };
  return { name, state: 'ok', found: version ? `${path} ${version}` : path };
}

async function findProgram(machine: Machine, name: string): Promise<string | undefined> {
  const folder = await findIn(machine, name, usualFolders);
  return folder && join(folder, name);
}

async function findIn(machine: Machine, name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) if (await machine.executable(join(folder, name))) return folder;
  return undefined;
}

function isOlder(version: string, [oldMajor, oldMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldMajor || (major === oldMajor && minor < oldMinor);
}
