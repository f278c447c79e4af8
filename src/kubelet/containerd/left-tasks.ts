import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What containerd's notes say about one container or sandbox, whether or not anything of it still runs. */
export interface LeftTask {
  id: string;
  /** Where its shim listens. */
  shimSocket: string | undefined;
  /** The bind mount that holds the pod's network namespace; undefined with the host's. */
  networkNamespace: string | undefined;
  /** The pod's group; undefined when systemd names it. */
  podGroup: string | undefined;
}

/** Tasks of Kubernetes in the state folder of a containerd, running or not. Notes that are cut off tell nothing. */
export async function readLeftTasks(stateDir: string): Promise<LeftTask[]> {
  const folder = join(stateDir, 'io.containerd.runtime.v2.task', 'k8s.io');
  if (!existsSync(folder)) return [];
  return Promise.all((await readdir(folder)).map(id => readTask(join(folder, id), id)));
}

async function readTask(folder: string, id: string): Promise<LeftTask> {
  const [address, spec] = [await textOf(join(folder, 'address')), parseSpec(await textOf(join(folder, 'config.json')))];
  const network = spec.linux?.namespaces?.find(one => one.type === 'network')?.path;
  const group = spec.linux?.cgroupsPath;
  return {
    id,
    shimSocket: /^unix:\/\/(\/.+)$/.exec(address.trim())?.[1],
    networkNamespace: network && dirname(network).endsWith('/netns') ? network : undefined,
    podGroup: group?.startsWith('/') ? dirname(group) : undefined,
  };
}

interface Spec {
  linux?: { cgroupsPath?: string; namespaces?: { type: string; path?: string }[] };
}

function parseSpec(text: string): Spec {
  try {
    return JSON.parse(text) as Spec;
  } catch {
    return {}; // never written, or not to its end
  }
}

async function textOf(path: string): Promise<string> {
  return existsSync(path) ? readFile(path, 'utf8') : '';
}
