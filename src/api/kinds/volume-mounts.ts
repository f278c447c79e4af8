import type { FieldError } from '../kind.ts';
import type { Container, Volume, VolumeMount } from '../types.ts';
import { forbidden, invalid, notFound, notSupported, required } from './field-error.ts';
import { checkLocalPath, checkNoBacksteps } from './file-paths.ts';
import { eachAt } from './paths.ts';

type Volumes = ReadonlyMap<string, Volume>;

const propagations: readonly string[] = ['Bidirectional', 'HostToContainer', 'None'];
const recursions: readonly string[] = ['Disabled', 'Enabled', 'IfPossible'];

/** Where a container mounts the pod's volumes. */
export function checkVolumeMounts(
  errors: FieldError[],
  path: string,
  { container, volumes }: { container: Container; volumes: Volumes },
): void {
  if (!container.volumeMounts) return;
  const taken = new Set<string>();
  const devices = container.volumeDevices ?? [];
  eachAt(path, container.volumeMounts, (at, mount) => {
    if (!mount.name) errors.push(required(`${at}.name`));
    if (!volumes.has(mount.name)) errors.push(notFound(`${at}.name`, mount.name));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    if (taken.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    taken.add(mount.mountPath);
    if (devices.some(device => device.name === mount.name)) {
      errors.push(invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices'));
    }
    if (devices.some(device => device.devicePath === mount.mountPath)) {
      const detail = 'must not already exist as a path in volumeDevices';
      errors.push(invalid(`${at}.mountPath`, mount.mountPath, detail));
    }
    if (mount.subPath) checkLocalPath(errors, `${path}.subPath`, mount.subPath);
    if (mount.subPathExpr) {
      if (mount.subPath) {
        const detail = 'subPathExpr and subPath are mutually exclusive';
        errors.push(invalid(`${at}.subPathExpr`, mount.subPathExpr, detail));
      }
      checkLocalPath(errors, `${path}.subPathExpr`, mount.subPathExpr);
    }
    checkPropagation(errors, path, { mount, privileged: container.securityContext?.privileged === true });
    checkRecursion(errors, `${path}.recursiveReadOnly`, mount);
  });
}

function checkPropagation(
  errors: FieldError[],
  path: string,
  { mount, privileged }: { mount: VolumeMount; privileged: boolean },
): void {
  const mode = mount.mountPropagation;
  if (mode === undefined) return;
  const field = `${path}.mountPropagation`;
  if (!propagations.includes(mode)) errors.push(notSupported(field, mode, propagations));
  if (mode === 'Bidirectional' && !privileged) {
    errors.push(forbidden(field, 'Bidirectional mount propagation is available only to privileged containers'));
  }
}

function checkRecursion(errors: FieldError[], path: string, mount: VolumeMount): void {
  const mode = mount.recursiveReadOnly;
  if (mode === undefined || mode === 'Disabled') return;
  if (!recursions.includes(mode)) return void errors.push(notSupported(path, mode, recursions));
  if (!mount.readOnly) errors.push(forbidden(path, 'may only be specified when readOnly is true'));
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None') {
    errors.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'));
  }
}

/** Raw block devices: only of claims. */
export function checkVolumeDevices(
  errors: FieldError[],
  path: string,
  { container, volumes }: { container: Container; volumes: Volumes },
): void {
  if (!container.volumeDevices) return;
  const paths = new Set<string>();
  const names = new Set<string>();
  eachAt(path, container.volumeDevices, (at, { name, devicePath }) => {
    const volume = volumes.get(name);
    if (!name) errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, 'must be unique'));
    if (!volume) errors.push(notFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalid(`${at}.name`, name, detail));
    }
    if (!devicePath) errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    if (!checkNoBacksteps([], at, devicePath)) {
      errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    } else paths.add(devicePath);
    if (container.volumeMounts?.some(mount => mount.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    }
    if (container.volumeMounts?.some(mount => mount.mountPath === devicePath)) {
      errors.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    }
    names.add(name);
  });
}
