import type { Container, EphemeralContainer, Pod } from '#api';

export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface PodContainer {
  role: ContainerRole;
  container: Container;
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** All containers of the pod in the order in which they are started. */
export function containersOf(pod: Pod): PodContainer[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return [
    ...initContainers.map(container => ({ container, role: isSidecar(container) ? 'sidecar' : 'init' }) as const),
    ...containers.map(container => ({ container, role: 'main' }) as const),
    ...ephemeralContainers.map(container => ({ container: asContainer(container), role: 'ephemeral' }) as const),
  ];
}

function asContainer(container: EphemeralContainer): Container {
  return container as unknown as Container;
}

/** `name_namespace(uid)`, as upstream words pods in messages. */
export function describePod(pod: Pod): string {
  const { name, namespace, uid } = pod.metadata;
  return `${name}_${namespace}(${uid})`;
}

/** `spec.containers{web}`: where events about a container point. */
export function fieldPathOf({ role, container }: PodContainer): string {
  const list = {
    init: 'initContainers',
    sidecar: 'initContainers',
    main: 'containers',
    ephemeral: 'ephemeralContainers',
  };
  return `spec.${list[role]}{${container.name}}`;
}

/** Does a container that ended run again? The container's own rules come first, then its policy, then the pod's. */
export function shouldRestart({ container, role }: PodContainer, pod: Pod, exitCode: number): boolean {
  if (role === 'ephemeral') return false;
  if (role === 'sidecar') return true;
  for (const rule of container.restartPolicyRules ?? []) {
    const { operator, values = [] } = rule.exitCodes ?? {};
    const listed = values.includes(exitCode);
    if ((operator === 'In' && listed) || (operator === 'NotIn' && !listed)) return rule.action === 'Restart';
  }
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always';
  if (role === 'init') return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Static pods name where they come from; pods of the API server do not. */
export const configSource = (pod: Pod): string => pod.metadata.annotations?.['kubernetes.io/config.source'] ?? 'api';
export const isMirror = (pod: Pod): boolean => 'kubernetes.io/config.mirror' in (pod.metadata.annotations ?? {});
export const isStatic = (pod: Pod): boolean => configSource(pod) !== 'api' && !isMirror(pod);
