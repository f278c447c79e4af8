import type { ClusterRole, KubeObject, PolicyRule, Resource, Subject } from '#api';
import { resources } from '#api';
import { controllerClusterRoleBindings, controllerClusterRoles } from './bootstrap-controller-roles.ts';
import { bootstrapRoleBindings, bootstrapRoles } from './bootstrap-namespace-roles.ts';
import { bootstrapNamespaces, systemPriorityClasses } from './bootstrap-objects.ts';
import { bootstrapClusterRoleBindings, bootstrapClusterRoles } from './bootstrap-roles.ts';
import { autoUpdateAnnotation } from './bootstrap-rule.ts';
import { type BootstrapWriter, ensureObject } from './bootstrap-writer.ts';
import { aggregatedRules } from './role-aggregation.ts';
import { uncoveredRules } from './rule-cover.ts';

/** What a run changed. */
export interface ReconcileResult {
  created: number;
  updated: number;
}

interface Wanted<T extends KubeObject = KubeObject> {
  resource: Resource<T>;
  object: T;
  /** The object that should stand in place of `present`; undefined when it is right already. */
  merge(present: T, wanted: T): T | undefined;
}

/**
 * Brings upstream's default namespaces, priority classes, roles and bindings up to date: makes what is missing, and adds missing rules and subjects to
 * what is there, unless its autoupdate annotation says "false". What users added stays. A binding to another role is replaced only by hand.
 */
export async function reconcileBootstrapRbac(writer: BootstrapWriter): Promise<ReconcileResult> {
  const result = { created: 0, updated: 0 };
  // Namespaces come first: roles live in them.
  for (const object of bootstrapNamespaces) {
    await ensure(writer, { resource: resources.namespaces, object, merge: () => undefined }, result);
  }
  await Promise.all(wantedObjects().map(wanted => ensure(writer, wanted, result)));
  return result;
}

function wantedObjects(): Wanted[] {
  const all: Wanted[] = [];
  const add = <T extends KubeObject>(resource: Resource<T>, objects: readonly T[], merge: Wanted<T>['merge']) => {
    for (const object of objects) all.push({ resource, object, merge } as unknown as Wanted);
  };
  const clusterRoles = [...bootstrapClusterRoles, ...controllerClusterRoles];
  const filled = clusterRoles.map(role => withAggregatedRules(role, clusterRoles));
  add(resources.priorityclasses, systemPriorityClasses, () => undefined);
  add(resources.clusterroles, filled, mergeRole);
  add(resources.roles, bootstrapRoles, mergeRole);
  add(resources.clusterrolebindings, [...bootstrapClusterRoleBindings, ...controllerClusterRoleBindings], mergeBinding);
  add(resources.rolebindings, bootstrapRoleBindings, mergeBinding);
  return all;
}

/** The authorizer aggregates by itself; the rules are written out so that users see them. */
function withAggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): ClusterRole {
  return role.aggregationRule ? { ...role, rules: aggregatedRules(role, all) } : role;
}

async function ensure(writer: BootstrapWriter, wanted: Wanted, result: ReconcileResult): Promise<void> {
  const done = await ensureObject(writer, wanted);
  if (done !== 'kept') result[done]++;
}

type RoleLike = KubeObject & { rules?: PolicyRule[] | undefined };
type BindingLike = KubeObject & { subjects?: Subject[] | undefined };

function mergeRole<T extends RoleLike>(present: T, wanted: T): T | undefined {
  if (isOptedOut(present)) return undefined;
  const missing = uncoveredRules(present.rules ?? [], wanted.rules ?? []);
  const metadata = mergeMetadata(present, wanted);
  if (missing.length === 0 && !metadata) return undefined;
  return { ...present, metadata: metadata ?? present.metadata, rules: [...(present.rules ?? []), ...missing] };
}

function mergeBinding<T extends BindingLike>(present: T, wanted: T): T | undefined {
  if (isOptedOut(present)) return undefined;
  const key = (subject: Subject) => `${subject.kind}/${subject.namespace ?? ''}/${subject.name}`;
  const known = new Set((present.subjects ?? []).map(key));
  const missing = (wanted.subjects ?? []).filter(subject => !known.has(key(subject)));
  const metadata = mergeMetadata(present, wanted);
  if (missing.length === 0 && !metadata) return undefined;
  return { ...present, metadata: metadata ?? present.metadata, subjects: [...(present.subjects ?? []), ...missing] };
}

function isOptedOut(object: KubeObject): boolean {
  return object.metadata.annotations?.[autoUpdateAnnotation] === 'false';
}

/** Labels and annotations that are missing are added; values that users changed stay. */
function mergeMetadata(present: KubeObject, wanted: KubeObject): KubeObject['metadata'] | undefined {
  const labels = { ...wanted.metadata.labels, ...present.metadata.labels };
  const annotations = { ...wanted.metadata.annotations, ...present.metadata.annotations };
  const count = (map: Readonly<Record<string, string>> | undefined) => Object.keys(map ?? {}).length;
  const isSame =
    count(labels) === count(present.metadata.labels) && count(annotations) === count(present.metadata.annotations);
  return isSame ? undefined : { ...present.metadata, labels, annotations };
}
