import { existsSync } from 'node:fs';
import { createSystemClock } from '#base';
import { createExec } from '#host';
import { connectCri } from '#wire';
import type { Config } from './config-table.ts';
import { pathsOf } from './paths.ts';
import { findProgram } from './programs.ts';
import { StartError } from './start-error.ts';

const importTimeoutMs = 10 * 60_000;

/** Loads an OCI or Docker archive into this node's containerd; gives the names of its images. Throws StartError. */
export async function importImages(config: Config, archive: string): Promise<string[]> {
  if (!existsSync(archive)) throw new StartError(`${archive}: no such file`);
  const socket = runningSocket(config);
  const program = findProgram('ctr');
  if (!program) throw new StartError('ctr is not installed: it comes with the package containerd');
  const args = ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', archive];
  try {
    const { stdout } = await createExec().run({ program, args, timeoutMs: importTimeoutMs });
    return [...stdout.matchAll(/^unpacking (\S+) \(/gm)].map(match => match[1]!);
  } catch (cause) {
    throw new StartError(`${archive}: cannot be imported: ${(cause as Error).message}`, { cause });
  }
}

/** Names of the images that this node has. Throws StartError. */
export async function listImages(config: Config): Promise<string[]> {
  const cri = connectCri({ socketPath: runningSocket(config), now: createSystemClock().now });
  try {
    const images = await cri.images.list();
    return images.flatMap(image => (image.repoTags.length ? image.repoTags : image.repoDigests)).sort();
  } finally {
    cri.close();
  }
}

function runningSocket(config: Config): string {
  const { containerdSocket } = pathsOf(config);
  if (!existsSync(containerdSocket))
    throw new StartError(`${containerdSocket}: no containerd; it runs while a server or agent with this data-dir does`);
  return containerdSocket;
}
