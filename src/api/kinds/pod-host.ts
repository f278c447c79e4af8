import type { FieldError } from '../kind.ts';
import type { PodSpec } from '../types.ts';
import { forbidden, notSupported, pushInvalid, required, tooLong } from './field-error.ts';
import { checkSubdomain } from './name-rules.ts';
import { eachAt } from './paths.ts';

const systems: readonly string[] = ['linux', 'windows'];
const maxHostnameBytes = 64;

/** `hostnameOverride` stands alone. */
export function checkPodHostname(errors: FieldError[], path: string, spec: PodSpec): void {
  const name = spec.hostnameOverride;
  if (name === undefined) return;
  const field = `${path}.hostnameOverride`;
  if (spec.setHostnameAsFQDN) errors.push(forbidden(field, 'may not be specified when setHostnameAsFQDN is true'));
  if (spec.hostNetwork) errors.push(forbidden(field, 'may not be specified when hostNetwork is true'));
  if (name.length > maxHostnameBytes) errors.push(tooLong(field, maxHostnameBytes));
  pushInvalid(errors, field, name, checkSubdomain(name));
}

const linuxOnlyPod = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const linuxOnlySpec = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const;
const linuxOnlyContainer = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;
const notOnWindows = 'cannot be set for a windows pod';
const notOnLinux = 'windows options cannot be set for a linux pod';

/** A pod that names its system uses nothing of another. */
export function checkPodOs(errors: FieldError[], path: string, spec: PodSpec): void {
  if (!spec.os) return;
  if (!spec.os.name) return void errors.push(required(`${path}.os.name`));
  if (!systems.includes(spec.os.name)) return void errors.push(notSupported(`${path}.os`, spec.os.name, systems));
  const windows = spec.os.name === 'windows';
  const context = spec.securityContext;
  if (windows) {
    for (const field of linuxOnlyPod) {
      if (context?.[field] !== undefined) errors.push(forbidden(`${path}.securityContext.${field}`, notOnWindows));
    }
    for (const field of linuxOnlySpec) if (spec[field]) errors.push(forbidden(`${path}.${field}`, notOnWindows));
  } else if (context?.windowsOptions) {
    errors.push(forbidden(`${path}.securityContext.windowsOptions`, notOnLinux));
  }
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    eachAt(`${path}.${list}`, spec[list] as PodSpec['containers'] | undefined, (at, { securityContext: rights }) => {
      if (!windows && rights?.windowsOptions) {
        errors.push(forbidden(`${at}.securityContext.windowsOptions`, notOnLinux));
      }
      for (const field of linuxOnlyContainer) {
        if (windows && rights?.[field] !== undefined) {
          errors.push(forbidden(`${at}.securityContext.${field}`, notOnWindows));
        }
      }
    });
  }
}
