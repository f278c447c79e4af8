import type { FieldError } from '../kind.ts';
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from '../types.ts';
import { duplicate, forbidden, invalid, notSupported, rangeMessage, required, tooLong } from './field-error.ts';
import { checkLocalPath } from './file-paths.ts';
import { eachAt } from './paths.ts';

const maxId = 2 ** 31 - 1;
const maxProfileBytes = 4095;
const profileTypes: readonly string[] = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const procMounts: readonly string[] = ['Default', 'Unmasked'];
const changePolicies: readonly string[] = ['Always', 'OnRootMismatch'];
const groupPolicies: readonly string[] = ['Merge', 'Strict'];
const labelPolicies: readonly string[] = ['MountOption', 'Recursive'];
const sysctlFormat = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const sysctlSegment = /^[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/;

function checkId(errors: FieldError[], path: string, id: number | undefined): void {
  if (id !== undefined && (id < 0 || id > maxId)) errors.push(invalid(path, id, rangeMessage(0, maxId)));
}

/** Rights of one container. */
export function checkSecurityContext(
  errors: FieldError[],
  path: string,
  { context, hostUsers }: { context: SecurityContext | undefined; hostUsers: boolean },
): void {
  if (!context) return;
  checkId(errors, `${path}.runAsUser`, context.runAsUser);
  checkId(errors, `${path}.runAsGroup`, context.runAsGroup);
  if (context.procMount !== undefined) {
    if (!procMounts.includes(context.procMount)) {
      errors.push(notSupported(`${path}.procMount`, context.procMount, procMounts));
    }
    if (hostUsers && context.procMount === 'Unmasked') {
      errors.push(invalid(`${path}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'));
    }
  }
  checkSeccomp(errors, `${path}.seccompProfile`, context.seccompProfile);
  checkEscalation(errors, path, context);
  checkAppArmor(errors, `${path}.appArmorProfile`, context.appArmorProfile);
}

function checkEscalation(errors: FieldError[], path: string, context: SecurityContext): void {
  if (context.allowPrivilegeEscalation !== false) return;
  const start = 'cannot set `allowPrivilegeEscalation` to false and';
  if (context.privileged) errors.push(invalid(path, context, `${start} \`privileged\` to true`));
  if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
    errors.push(invalid(path, context, `${start} \`capabilities.Add\` CAP_SYS_ADMIN`));
  }
}

function checkSeccomp(errors: FieldError[], path: string, profile: SeccompProfile | undefined): void {
  if (!profile) return;
  if (!profile.type) errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'));
  else if (!profileTypes.includes(profile.type)) errors.push(notSupported(`${path}.type`, profile.type, profileTypes));
  const field = `${path}.localhostProfile`;
  if (profile.type !== 'Localhost') {
    if (profile.localhostProfile !== undefined) {
      errors.push(invalid(field, profile, 'can only be set when seccomp type is Localhost'));
    }
  } else if (profile.localhostProfile === undefined) {
    errors.push(required(field, 'must be set when seccomp type is Localhost'));
  } else checkLocalPath(errors, field, profile.localhostProfile);
}

function checkAppArmor(errors: FieldError[], path: string, profile: AppArmorProfile | undefined): void {
  if (!profile) return;
  const field = `${path}.localhostProfile`;
  const local = profile.localhostProfile;
  if (!profile.type) errors.push(required(`${path}.type`, 'type is required when appArmorProfile is set'));
  else if (!profileTypes.includes(profile.type)) errors.push(notSupported(`${path}.type`, profile.type, profileTypes));
  else if (profile.type !== 'Localhost') {
    if (local !== undefined) errors.push(invalid(field, local, 'can only be set when AppArmor type is Localhost'));
  } else if (local === undefined || local === '') {
    errors.push(required(field, 'must be set when AppArmor type is Localhost'));
  } else {
    if (local.trim() !== local) errors.push(invalid(field, local, 'must not be padded with whitespace'));
    if (local.length > maxProfileBytes) errors.push(tooLong(field, maxProfileBytes));
  }
}

function checkChoice(
  errors: FieldError[],
  path: string,
  { value, choices }: { value: string | undefined; choices: readonly string[] },
): void {
  if (value !== undefined && !choices.includes(value)) errors.push(notSupported(path, value, choices));
}

/** Rights of the pod; `specPath` is where its host settings stand. */
export function checkPodSecurityContext(errors: FieldError[], specPath: string, spec: PodSpec): void {
  const context = spec.securityContext;
  const path = `${specPath}.securityContext`;
  if (spec.shareProcessNamespace && spec.hostPID) {
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalid(`${path}.shareProcessNamespace`, true, detail));
  }
  if (!context) return;
  checkId(errors, `${path}.fsGroup`, context.fsGroup);
  checkId(errors, `${path}.runAsUser`, context.runAsUser);
  checkId(errors, `${path}.runAsGroup`, context.runAsGroup);
  eachAt(`${path}.supplementalGroups`, context.supplementalGroups, (at, group) => checkId(errors, at, group));
  checkSysctls(errors, `${path}.sysctls`, { context, spec });
  const { fsGroupChangePolicy, supplementalGroupsPolicy, seLinuxChangePolicy } = context;
  checkChoice(errors, `${path}.fsGroupChangePolicy`, { value: fsGroupChangePolicy, choices: changePolicies });
  checkSeccomp(errors, `${path}.seccompProfile`, context.seccompProfile);
  checkAppArmor(errors, `${path}.appArmorProfile`, context.appArmorProfile);
  checkChoice(errors, `${path}.supplementalGroupsPolicy`, { value: supplementalGroupsPolicy, choices: groupPolicies });
  checkChoice(errors, `${path}.seLinuxChangePolicy`, { value: seLinuxChangePolicy, choices: labelPolicies });
}

const ipcSysctls: ReadonlySet<string> = new Set(['kernel.sem']);
const ipcPrefixes: readonly string[] = ['kernel.shm', 'kernel.msg', 'fs.mqueue.'];

function checkSysctls(
  errors: FieldError[],
  path: string,
  { context, spec }: { context: PodSecurityContext; spec: PodSpec },
): void {
  const seen = new Set<string>();
  eachAt(path, context.sysctls, (at, { name }) => {
    if (!name) errors.push(required(`${at}.name`));
    else if (name.length > 253 || !name.split(/[./]/).every(segment => sysctlSegment.test(segment))) {
      const detail = `must have at most 253 characters and match regex ${sysctlFormat}`;
      errors.push(invalid(`${at}.name`, name, detail));
    } else if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    const dotted = name.replaceAll('/', '.');
    const ipc = ipcSysctls.has(dotted) || ipcPrefixes.some(prefix => dotted.startsWith(prefix));
    if (spec.hostNetwork && dotted.startsWith('net.')) {
      errors.push(invalid(`${at}.name`, name, "may not be specified when 'hostNetwork' is true"));
    }
    if (spec.hostIPC && ipc) {
      errors.push(invalid(`${at}.name`, name, "may not be specified when 'hostIPC' is true"));
    }
    seen.add(name);
  });
}

/** A pod with its own user namespace shares none of the host's. */
export function checkHostUsers(errors: FieldError[], path: string, spec: PodSpec): void {
  if (spec.hostUsers !== false) return;
  const detail = 'when `hostUsers` is false';
  if (spec.hostNetwork) errors.push(forbidden(`${path}.hostNetwork`, detail));
  if (spec.hostPID) errors.push(forbidden(`${path}.HostPID`, detail));
  if (spec.hostIPC) errors.push(forbidden(`${path}.HostIPC`, detail));
}
