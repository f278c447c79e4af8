import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod, Volume, VolumeMount } from '#api';
import type { Mounts } from '#host';
import type { CriMount, MountPropagation } from '#wire';
import { ContainerConfigError } from '../containers/config-error.ts';
import { expand } from '../containers/expand.ts';
import { containerDir, hostsPath, subPathTarget } from './pod-paths.ts';
import { bindSubPath } from './sub-path.ts';

const propagation: Readonly<Record<string, MountPropagation>> = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
};

export interface MountInputs {
  rootDir: string;
  mounts: Mounts;
  /** Where each volume lies. */
  volumes: ReadonlyMap<string, string>;
  env: ReadonlyMap<string, string>;
  /** A name of its own for the termination file of this start. */
  startId: string;
}

/** What the runtime is to mount into one container: its volumes, /etc/hosts, and the file for its last words. */
export async function containerMounts(pod: Pod, container: Container, inputs: MountInputs): Promise<CriMount[]> {
  const made: CriMount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    made.push(await volumeMount(pod, container, { mount, index }, inputs));
  }
  const { rootDir } = inputs;
  const uid = pod.metadata.uid ?? '';
  if (!made.some(mount => mount.containerPath === '/etc/hosts')) {
    made.push({ containerPath: '/etc/hosts', hostPath: hostsPath(rootDir, uid), propagation: 'PROPAGATION_PRIVATE' });
  }
  if (container.terminationMessagePath) {
    const folder = containerDir(rootDir, uid, container.name);
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const hostPath = join(folder, inputs.startId);
    await writeFile(hostPath, '');
    await chmod(hostPath, 0o666);
    made.push({ containerPath: container.terminationMessagePath, hostPath, propagation: 'PROPAGATION_PRIVATE' });
  }
  return made;
}

async function volumeMount(
  pod: Pod,
  container: Container,
  { mount, index }: { mount: VolumeMount; index: number },
  { rootDir, mounts, volumes, env }: MountInputs,
): Promise<CriMount> {
  const volume = volumes.get(mount.name);
  if (volume === undefined)
    throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
  const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, env) : mount.subPath;
  const uid = pod.metadata.uid ?? '';
  const hostPath = subPath
    ? await bindPart({
        volume,
        subPath,
        target: subPathTarget(rootDir, uid, { volume: mount.name, container: container.name, index }),
      })
    : volume;
  return {
    containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : join('/', mount.mountPath),
    hostPath,
    readonly: (mount.readOnly ?? false) || isAlwaysReadOnly(pod.spec.volumes?.find(one => one.name === mount.name)),
    propagation: propagation[mount.mountPropagation ?? 'None'] ?? 'PROPAGATION_PRIVATE',
  };

  async function bindPart(names: { volume: string; subPath: string; target: string }): Promise<string> {
    try {
      return await bindSubPath(mounts, names);
    } catch (cause) {
      const text = `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`;
      throw new ContainerConfigError(`${text}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Files that the agent writes are nobody else's to change; a claim can say so for all of its mounts. */
function isAlwaysReadOnly(volume: Volume | undefined): boolean {
  if (!volume) return false;
  const { configMap, secret, downwardAPI, projected, persistentVolumeClaim } = volume;
  return Boolean(configMap || secret || downwardAPI || projected || persistentVolumeClaim?.readOnly);
}

/** Unlike in commands, a name that nobody set is an error. */
function expandStrictly(text: string, env: ReadonlyMap<string, string>): string {
  return expand(text, name => {
    const value = env.get(name);
    if (value === undefined) throw new ContainerConfigError(`missing value for "${name}"`);
    return value;
  });
}
