import { join } from 'node:path';

/** Upstream's layout below the kubelet's root folder. */
export const podsDir = (root: string): string => join(root, 'pods');
export const podDir = (root: string, uid: string): string => join(root, 'pods', uid);
export const hostsPath = (root: string, uid: string): string => join(podDir(root, uid), 'etc-hosts');
export const containerDir = (root: string, uid: string, container: string): string =>
  join(podDir(root, uid), 'containers', container);

export interface VolumePlace {
  root: string;
  uid: string;
  /** `empty-dir`, `configmap`, ... */
  plugin: string;
  name: string;
}

export const volumePath = ({ root, uid, plugin, name }: VolumePlace): string =>
  join(podDir(root, uid), 'volumes', `kubernetes.io~${plugin}`, name);
export const subPathTarget = (
  root: string,
  uid: string,
  names: { volume: string; container: string; index: number },
): string => join(podDir(root, uid), 'volume-subpaths', names.volume, names.container, String(names.index));
