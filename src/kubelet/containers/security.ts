import type { Container, Pod, SeccompProfile } from '#api';
import type { CriImage, LinuxSecurityContext, NamespaceOption, SecurityProfile } from '#wire';
import { describePod } from '../pods/pod-spec.ts';
import { ContainerConfigError } from './config-error.ts';

/** What a container without `procMount: Unmasked` must not see. Source: upstream's pkg/securitycontext/util.go. */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export interface SecurityInputs {
  pod: Pod;
  container: Container;
  /** The user that the image names. */
  image: Pick<CriImage, 'uid' | 'username'>;
  seccompRoot: string;
  /** Id of the container whose processes an ephemeral container wants to see. */
  targetId?: string | undefined;
  /** Groups that volumes want (fsGroup, persistent volumes). */
  volumeGroups: readonly number[];
}

/** The container's rights. Throws ContainerConfigError when it would run as root and must not. */
export function securityContext(inputs: SecurityInputs): LinuxSecurityContext {
  const { pod, container } = inputs;
  const whole = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const runAsUser = own.runAsUser ?? whole.runAsUser;
  const runAsGroup = own.runAsGroup ?? whole.runAsGroup;
  verifyNonRoot(inputs);
  const groups = [...new Set([...(whole.supplementalGroups ?? []), ...inputs.volumeGroups])];
  const seccomp = own.seccompProfile ?? whole.seccompProfile;
  const apparmor = own.appArmorProfile ?? whole.appArmorProfile;
  const selinux = own.seLinuxOptions ?? whole.seLinuxOptions;
  const unmasked = own.procMount === 'Unmasked';
  return {
    ...(own.capabilities && {
      capabilities: { addCapabilities: own.capabilities.add ?? [], dropCapabilities: own.capabilities.drop ?? [] },
    }),
    privileged: own.privileged ?? false,
    namespaceOptions: namespaceOptions(pod, inputs.targetId),
    ...(selinux && { selinuxOptions: selinux }),
    ...userOf(runAsUser, inputs.image),
    ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    ...(groups.length > 0 && { supplementalGroups: groups }),
    ...(whole.supplementalGroupsPolicy === 'Strict' && { supplementalGroupsPolicy: 'Strict' as const }),
    noNewPrivs: own.allowPrivilegeEscalation === false,
    ...(!unmasked && { maskedPaths, readonlyPaths }),
    seccomp: seccompOf(seccomp, own.privileged ?? false, inputs.seccompRoot),
    ...(apparmor && { apparmor: profileOf(apparmor.type, apparmor.localhostProfile) }),
  };
}

export function namespaceOptions(pod: Pod, targetId?: string): NamespaceOption {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  const pid = hostPID ? 'NODE' : shareProcessNamespace ? 'POD' : 'CONTAINER';
  return {
    network: hostNetwork ? 'NODE' : 'POD',
    ipc: hostIPC ? 'NODE' : 'POD',
    ...(targetId && !hostPID ? { pid: 'TARGET', targetId } : { pid }),
  };
}

/** Numbers are handed on as numbers; the image's name only when nothing else is said. */
function userOf(runAsUser: number | undefined, image: SecurityInputs['image']): Partial<LinuxSecurityContext> {
  if (runAsUser !== undefined) return { runAsUser: { value: runAsUser } };
  if (image.uid !== undefined) return { runAsUser: { value: image.uid.value } };
  return image.username ? { runAsUsername: image.username } : {};
}

function verifyNonRoot({ pod, container, image }: SecurityInputs): void {
  const own = container.securityContext ?? {};
  const whole = pod.spec.securityContext ?? {};
  if (!(own.runAsNonRoot ?? whole.runAsNonRoot)) return;
  const where = `(pod: "${describePod(pod)}", container: ${container.name})`;
  const user = own.runAsUser ?? whole.runAsUser;
  if (user !== undefined) {
    if (user === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image.uid?.value === 0 || (!image.uid && image.username === '')) {
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  }
  if (!image.uid && image.username) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    );
  }
}

export function seccompOf(profile: SeccompProfile | undefined, privileged: boolean, root: string): SecurityProfile {
  if (privileged || !profile) return { profileType: 'Unconfined' };
  return profileOf(profile.type, profile.localhostProfile && `${root}/${profile.localhostProfile}`);
}

function profileOf(type: string, localhost: string | undefined): SecurityProfile {
  if (type === 'Localhost') return { profileType: 'Localhost', localhostRef: localhost ?? '' };
  return { profileType: type === 'RuntimeDefault' ? 'RuntimeDefault' : 'Unconfined' };
}
