import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { PersistentVolume, Pod, Volume } from '#api';
import { quantityToNumber, resources } from '#api';
import type { Client } from '#client';
import { isNotFound } from '#client';
import type { Mounts } from '#host';
import type { DownwardFacts } from '../containers/downward.ts';
import type { ObjectReader } from '../containers/env.ts';
import { type Payload, writePayload } from './atomic-writer.ts';
import { prepareHostPath } from './host-path.ts';
import { setGroup } from './ownership.ts';
import { configMapFiles, downwardFiles, secretFiles } from './payload.ts';
import { podDir, podsDir, volumePath } from './pod-paths.ts';
import { projectedFiles } from './projected.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import { VolumeError } from './volume-error.ts';

export interface VolumesOptions {
  rootDir: string;
  mounts: Mounts;
  client: Client;
  objects: ObjectReader;
  tokens: ServiceAccountTokens;
}

/** The volumes of this node's pods. Doing a thing twice is harmless: what stands is left standing. */
export interface Volumes {
  /** Makes every volume of the pod ready, or brings its files up to date; answers where each lies, by name. Rejects with VolumeError. */
  prepare(pod: Pod, facts: DownwardFacts): Promise<Map<string, string>>;
  /** Unmounts the pod's volumes and deletes what was in them; its other files stay. */
  removeVolumes(uid: string): Promise<void>;
  /** As removeVolumes, and deletes the pod's folder. */
  remove(uid: string): Promise<void>;
  /** Pods that have a folder. */
  uids(): Promise<string[]>;
}

interface Making {
  pod: Pod;
  volume: Volume;
  facts: DownwardFacts;
  mounted: ReadonlySet<string>;
}

const defaultFileMode = 0o644;

export function createVolumes(options: VolumesOptions): Volumes {
  const { rootDir, mounts } = options;
  const clear = async (uid: string, parts: readonly string[]) => {
    const folder = podDir(rootDir, uid);
    const inside = async () =>
      (await mounts.list()).map(mount => mount.path).filter(path => path.startsWith(folder + sep));
    // Deepest first; what is mounted over something goes first too.
    for (const path of (await inside()).sort((a, b) => b.length - a.length)) await mounts.unmount(path);
    const left = await inside();
    // Deleting through a mount would delete what belongs to the node.
    if (left.length > 0) throw new VolumeError(`still mounted: ${left.join(', ')}`);
    for (const part of parts) await rm(join(folder, part), { recursive: true, force: true });
  };
  return {
    async prepare(pod, facts) {
      const paths = new Map<string, string>();
      const mounted = new Set((await mounts.list()).map(mount => mount.path));
      for (const volume of pod.spec.volumes ?? []) {
        try {
          paths.set(volume.name, await prepareVolume(options, { pod, volume, facts, mounted }));
        } catch (cause) {
          throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${(cause as Error).message}`, {
            cause,
          });
        }
      }
      return paths;
    },
    removeVolumes: uid => clear(uid, ['volumes', 'volume-subpaths']),
    remove: uid => clear(uid, ['.']),
    async uids() {
      return readdir(podsDir(rootDir)).catch(() => []); // no folder yet: no pods
    },
  };
}

async function prepareVolume(options: VolumesOptions, making: Making): Promise<string> {
  const { volume } = making;
  if (volume.hostPath) {
    await prepareHostPath(volume.hostPath);
    return volume.hostPath.path;
  }
  if (volume.emptyDir) return prepareEmptyDir(options, making);
  if (volume.persistentVolumeClaim) return preparePersistent(options, making, volume.persistentVolumeClaim.claimName);
  if (volume.configMap || volume.secret || volume.downwardAPI || volume.projected) {
    return prepareFiles(options, making);
  }
  const [kind] = Object.keys(volume).filter(key => key !== 'name');
  throw new VolumeError(`volumes of type ${kind} are not implemented`);
}

function placeOf({ rootDir }: VolumesOptions, { pod, volume }: Making, plugin: string): string {
  return volumePath({ root: rootDir, uid: pod.metadata.uid ?? '', plugin, name: volume.name });
}

async function prepareEmptyDir(options: VolumesOptions, making: Making): Promise<string> {
  const { medium = '', sizeLimit } = making.volume.emptyDir!;
  const path = placeOf(options, making, 'empty-dir');
  if (medium.startsWith('HugePages')) throw new VolumeError(`medium ${medium} is not implemented`);
  const isNew = (await mkdir(path, { recursive: true, mode: 0o777 })) !== undefined;
  if (medium === 'Memory' && !making.mounted.has(path)) {
    const limit = quantityToNumber(sizeLimit);
    await options.mounts.tmpfs(path, { mode: 0o777, sizeBytes: limit > 0 ? limit : undefined });
  }
  if (isNew) {
    await chmod(path, 0o777);
    await applyGroup(making.pod, path);
  }
  return path;
}

async function applyGroup(pod: Pod, path: string): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
  if (fsGroup !== undefined) await setGroup(path, fsGroup, fsGroupChangePolicy);
}

async function prepareFiles(options: VolumesOptions, making: Making): Promise<string> {
  const { pod, volume } = making;
  // Nothing is mounted for what cannot be read, so the files come first.
  const files = await filesOf(options, making);
  const plugin = volume.configMap
    ? 'configmap'
    : volume.secret
      ? 'secret'
      : volume.projected
        ? 'projected'
        : 'downward-api';
  const path = placeOf(options, making, plugin);
  await mkdir(path, { recursive: true, mode: 0o755 });
  // Secrets never reach a disk.
  if (!volume.configMap && !making.mounted.has(path)) await options.mounts.tmpfs(path, { mode: 0o755 });
  await writePayload(path, files, { group: pod.spec.securityContext?.fsGroup });
  return path;
}

async function filesOf(options: VolumesOptions, { pod, volume, facts }: Making): Promise<Payload> {
  const namespace = pod.metadata.namespace ?? '';
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) {
    const { name = '', items, optional, defaultMode = defaultFileMode } = configMap;
    const found = await options.objects.configMap(namespace, name);
    if (!found && !optional) throw new VolumeError(`configmap "${name}" not found`);
    return configMapFiles(found, { items, optional, defaultMode, what: 'configmap' });
  }
  if (secret) {
    const { secretName = '', items, optional, defaultMode = defaultFileMode } = secret;
    const found = await options.objects.secret(namespace, secretName);
    if (!found && !optional) throw new VolumeError(`secret "${secretName}" not found`);
    return secretFiles(found, { items, optional, defaultMode, what: 'secret' });
  }
  if (downwardAPI) {
    const { items = [], defaultMode = defaultFileMode } = downwardAPI;
    return downwardFiles(pod, items, { defaultMode, facts });
  }
  return projectedFiles(options, pod, projected!, facts);
}

/** Local and hostPath volumes: all that needs no attaching. */
async function preparePersistent(options: VolumesOptions, making: Making, claimName: string): Promise<string> {
  const namespace = making.pod.metadata.namespace;
  const claim = await options.client
    .get(resources.persistentvolumeclaims, { namespace, name: claimName })
    .catch((error: unknown) => {
      throw isNotFound(error) ? new VolumeError(`persistentvolumeclaim "${claimName}" not found`) : error;
    });
  const volumeName = claim.spec?.volumeName;
  if (!volumeName || claim.status?.phase !== 'Bound')
    throw new VolumeError(`PVC ${namespace}/${claimName} is not bound`);
  const volume: PersistentVolume = await options.client.get(resources.persistentvolumes, { name: volumeName });
  const { hostPath, local } = volume.spec ?? {};
  if (hostPath) {
    await prepareHostPath(hostPath);
    return hostPath.path;
  }
  if (!local) throw new VolumeError(`persistent volume "${volumeName}" is neither local nor hostPath: not implemented`);
  await prepareHostPath({ path: local.path, type: 'Directory' });
  await applyGroup(making.pod, local.path);
  return local.path;
}
