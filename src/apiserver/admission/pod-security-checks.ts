import type { Container, ObjectMeta, PodSpec } from '#api';

/** What is wrong with a pod: `reason (detail)` as users see it. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** A pod, or the template of one. */
export interface PodShape {
  readonly metadata: Pick<ObjectMeta, 'annotations'>;
  readonly spec: PodSpec;
}

export interface Check {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** The minor version of 1.x that brought the check. */
  readonly since: number;
  /** A newer form of the same check takes over from this minor version on. */
  readonly until?: number;
  /** Checks of the baseline that this restricted one says everything about. */
  readonly replaces?: string;
  run(pod: PodShape): Violation | undefined;
}

/** Every container of the pod: init, main and ephemeral ones. */
export function containersOf(spec: PodSpec): Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...((spec.ephemeralContainers ?? []) as unknown as Container[]),
  ];
}

/** `"a", "b"`; quotes inside stay as they are, as upstream leaves them. */
export function quoted(names: Iterable<string>): string {
  return [...names].map(name => `"${name}"`).join(', ');
}

export function plural(one: string, many: string, count: number): string {
  return count === 1 ? one : many;
}

/** `container "a"` or `containers "a", "b"`. */
export function named(containers: readonly Pick<Container, 'name'>[]): string {
  return `${plural('container', 'containers', containers.length)} ${quoted(containers.map(({ name }) => name))}`;
}

/** `pod and container "a"`: who set something bad. */
export function setters(podIsBad: boolean, containers: readonly Container[]): string {
  return [...(podIsBad ? ['pod'] : []), ...(containers.length > 0 ? [named(containers)] : [])].join(' and ');
}

export function uniqueSorted(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}

/** The minor version since which pods with a user namespace of their own may do what is harmless inside it (KEP-127). */
export const userNamespacesSince = 35;

export function exceptUserNamespace(run: Check['run']): Check['run'] {
  return pod => (pod.spec.hostUsers === false ? undefined : run(pod));
}

export function isWindows(spec: PodSpec): boolean {
  return spec.os?.name === 'windows';
}
