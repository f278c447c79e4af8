import type { APIService } from '#api';
import { compareVersions } from '#api';

/** A version of a group, as a path names it. */
export interface GroupVersion {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
}

/** Where a group version stands in discovery: higher is nearer to the front. */
export interface Priority {
  readonly group: number;
  readonly version: number;
}

/** Upstream's table of built-in groups (pkg/controlplane/apiserver/aggregator.go, cmd/kube-apiserver/app); version 15 unless said otherwise below. */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'resource.k8s.io': 15_900,
};
const versionPriorities: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
};
const usualVersionPriority = 15;

/** The group that registers the others stands before all of them and has no APIService. */
export const registrationGroup = 'apiregistration.k8s.io';

/** Custom resources come last. */
export const customPriority: Priority = { group: 1000, version: 100 };

/** Of a built-in group version; undefined for one that is not in upstream's table. */
export function builtInPriority({ group, version }: GroupVersion): Priority | undefined {
  const groupPriority = groupPriorities[group];
  if (groupPriority === undefined) return undefined;
  return { group: groupPriority, version: versionPriorities[`${group}/${version}`] ?? usualVersionPriority };
}

/** `v1.apps`; `v1.` for the core group. */
export function apiServiceName({ group, version }: GroupVersion): string {
  return `${version}.${group}`;
}

export function groupVersionOf({ spec }: APIService): GroupVersion {
  return { group: spec.group ?? '', version: spec.version ?? '' };
}

/** A group and its versions, best first. */
export interface OrderedGroup {
  readonly name: string;
  readonly versions: readonly string[];
}

/** Groups by the highest priority that one of their versions claims, then by name; versions by theirs, then stable before beta before alpha. */
export function orderGroups(versions: readonly (GroupVersion & { priority: Priority })[]): OrderedGroup[] {
  const groups = new Map<string, (GroupVersion & { priority: Priority })[]>();
  for (const one of versions) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  const rankOf = (members: readonly { priority: Priority }[]) =>
    Math.max(...members.map(({ priority }) => priority.group));
  return [...groups]
    .sort(([a, left], [b, right]) => rankOf(right) - rankOf(left) || (a < b ? -1 : 1))
    .map(([name, members]) => ({
      name,
      versions: members
        .sort((a, b) => b.priority.version - a.priority.version || compareVersions(a.version, b.version))
        .map(({ version }) => version),
    }));
}
