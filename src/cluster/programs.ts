import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config-table.ts';

/** Where programs are looked for, whatever PATH the program was started with. */
const usualFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** Where distributions and installers put the CNI plugins. */
const usualCniFolders = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];

/** Full path of a program, or undefined. */
export function findProgram(name: string): string | undefined {
  return usualFolders.map(folder => join(folder, name)).find(candidate => isExecutable(candidate));
}

/** Folders that hold the CNI plugins, the configured one first. */
export function cniBinDirs(config: Pick<Config, 'cni-bin-dir'>): string[] {
  const wanted = config['cni-bin-dir'] ? [config['cni-bin-dir']] : usualCniFolders;
  const found = wanted.filter(folder => isExecutable(join(folder, 'ptp')));
  return found.length ? found : wanted;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run: both mean that it cannot be used
  }
}
