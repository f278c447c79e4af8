import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OverlayConfig } from './config.ts';
import { conflistName, networkName } from './config.ts';

/** CNI specification 1.0.0; ptp makes the veth and the host route, host-local gives the address. */
export function formatNetworkConfig(network: { podCidr: string; mtu: number; stateDir: string }): string {
  const { podCidr, mtu, stateDir } = network;
  const ipam = {
    type: 'host-local',
    dataDir: stateDir,
    ranges: [[{ subnet: podCidr }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const plugins = [{ type: 'ptp', ipMasq: false, mtu, ipam }];
  return JSON.stringify({ cniVersion: '1.0.0', name: networkName, plugins }, undefined, 2) + '\n';
}

/** The pod range that a configuration names; undefined when it is none of ours. */
export function parseNetworkConfig(text: string): string | undefined {
  try {
    const config = JSON.parse(text) as { plugins?: { ipam?: { ranges?: { subnet?: string }[][] } }[] };
    return config.plugins?.[0]?.ipam?.ranges?.[0]?.[0]?.subnet;
  } catch {
    return undefined; // half-written or somebody else's: it is replaced, and nothing is known of an earlier range
  }
}

/** Undefined when there is none. */
export async function readNetworkConfig(confDir: string): Promise<string | undefined> {
  try {
    return await readFile(join(confDir, conflistName), 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** containerd watches the folder and takes what it finds: the file is whole when it appears. */
export async function writeNetworkConfig(confDir: string, text: string): Promise<void> {
  await mkdir(confDir, { recursive: true });
  // No ending that containerd would read.
  const draft = join(confDir, `.${conflistName}.new`);
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, join(confDir, conflistName));
}

export async function removeNetworkConfig(config: Pick<OverlayConfig, 'cniConfDir' | 'cniStateDir'>): Promise<void> {
  await rm(join(config.cniConfDir, conflistName), { force: true });
  await rm(join(config.cniStateDir, networkName), { recursive: true, force: true });
}

/** The first plugin that is in none of the folders. */
export async function findMissingPlugin(binDirs: readonly string[]): Promise<string | undefined> {
  for (const plugin of ['ptp', 'host-local']) {
    const found = await Promise.all(binDirs.map(folder => isExecutable(join(folder, plugin))));
    if (!found.includes(true)) return plugin;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run: both mean that it cannot be used
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
