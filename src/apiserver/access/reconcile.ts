import type { ClusterRole, KubeObject, PolicyRule, Resource, Subject } from '#api';
import { resources } from '#api';
import { controllerClusterRoleBindings, controllerClusterRoles } from './bootstrap-controller-roles.ts';
import { bootstrapRoleBindings, bootstrapRoles } from './bootstrap-namespace-roles.ts';
import { bootstrapNamespaces, systemPriorityClasses } from './bootstrap-objects.ts';
import { bootstrapClusterRoleBindings, bootstrapClusterRoles } from './bootstrap-roles.ts';
import { autoUpdateAnnotation } from './bootstrap-rule.ts';
import { aggregatedRules } from './role-aggregation.ts';
import { uncoveredRules } from './rule-cover.ts';

/** How objects are written at start; a Client fits. */
export interface BootstrapWriter {
  /** Undefined (or a rejection with Status 404) when there is none. */
  get<T extends KubeObject>(
    resource: Resource<T>,
    ref: { namespace?: string | undefined; name: string },
  ): Promise<T | undefined>;
  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
}

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

/** Objects may be made by another server at the same moment: then its object is looked at once more. */
async function ensure(writer: BootstrapWriter, wanted: Wanted, result: ReconcileResult): Promise<void> {
  const { resource, object } = wanted;
  const ref = { namespace: object.metadata.namespace, name: object.metadata.name };
  for (let attempt = 1; ; attempt++) {
    const present = await find(writer, resource, ref);
    try {
      if (!present) {
        await writer.create(resource, structuredClone(object));
        result.created++;
        return;
      }
      const merged = wanted.merge(present, object);
      if (merged) {
        await writer.update(resource, merged);
        result.updated++;
      }
      return;
    } catch (error) {
      if (attempt === maxAttempts || !isRace(error)) throw error;
    }
  }
}

/** Two servers that start together meet a few times at most. */
const maxAttempts = 5;

async function find(
  writer: BootstrapWriter,
  resource: Resource<KubeObject>,
  ref: { namespace: string | undefined; name: string },
) {
  try {
    return await writer.get(resource, ref);
  } catch (error) {
    if (codeOf(error) === 404) return undefined;
    throw error;
  }
}

function isRace(error: unknown): boolean {
  return codeOf(error) === 409;
}

function codeOf(error: unknown): number | undefined {
  const { status, code } = error as { status?: { code?: number }; code?: unknown };
  return status?.code ?? (typeof code === 'number' ? code : undefined);
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
