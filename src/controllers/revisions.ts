import type { ControllerRevision, KubeObject, PodTemplateSpec, Resource } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import { isAlreadyExists, isNotFound, refOf } from '#client';
import type { ControllerDeps } from './controller.ts';
import { contentHash, equalContent } from './hash.ts';
import { controllerRefTo, isControlledBy } from './owners.ts';

const { controllerrevisions } = resources;

/** An object whose pods are made from revisions of its template. */
export type Revised = KubeObject & {
  spec: { template: PodTemplateSpec; revisionHistoryLimit?: number | undefined };
  status?: { collisionCount?: number | undefined } | undefined;
};

export interface RevisionOptions<T extends Revised> {
  resource: Resource<T>;
  /** Label of a revision that holds the hash of its template. */
  hashLabel: string;
}

export interface Revisions {
  /** The one of the template as it is now. */
  update: ControllerRevision;
  /** Oldest first; without one that was just made. */
  all: ControllerRevision[];
}

/** The revisions of an object's template, where the newest is made or moved to the front when the template changed. */
export async function syncRevisions<T extends Revised>(
  deps: ControllerDeps,
  informer: Informer<ControllerRevision>,
  owner: T,
  options: RevisionOptions<T>,
): Promise<Revisions | 'collision'> {
  const all = informer.byIndex('controller', owner.metadata.uid ?? '').sort((a, b) => a.revision - b.revision);
  const data = { spec: { template: { ...owner.spec.template, $patch: 'replace' } } };
  const newest = all.at(-1);
  const known = all.findLast(one => equalContent(one.data, data));
  if (!known) {
    const update = await createRevision(deps, owner, { ...options, data, revision: (newest?.revision ?? 0) + 1 });
    return update ? { update, all } : 'collision';
  }
  if (newest && known !== newest) {
    // A rollback: the old template is the newest again.
    return { update: await deps.client.update(controllerrevisions, { ...known, revision: newest.revision + 1 }), all };
  }
  return { update: known, all };
}

/** The template that a revision keeps. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (data as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec
    .template;
  return template;
}

/** Undefined: the name is taken by another content, and the owner's collisionCount has to grow. */
async function createRevision<T extends Revised>(
  { client }: ControllerDeps,
  owner: T,
  { resource, hashLabel, data, revision }: RevisionOptions<T> & { data: object; revision: number },
): Promise<ControllerRevision | undefined> {
  const hash = contentHash(data, owner.status?.collisionCount);
  const name = `${owner.metadata.name}-${hash}`;
  const { namespace } = owner.metadata;
  const labels = { ...owner.spec.template.metadata?.labels, [hashLabel]: hash };
  const ownerReferences = [controllerRefTo(resource, owner)];
  try {
    const object = { metadata: { name, namespace, labels, ownerReferences }, data, revision };
    return await client.create(controllerrevisions, object as ControllerRevision);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const existing = await client.get(controllerrevisions, { namespace, name });
    return isControlledBy(existing, owner) && equalContent(existing.data, data) ? existing : undefined;
  }
}

/** Deletes the oldest revisions beyond the owner's history that are not live. */
export async function truncateRevisions(
  { client }: ControllerDeps,
  owner: Revised,
  all: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
): Promise<void> {
  const dead = all.filter(revision => !isLive(revision));
  const surplus = Math.max(0, dead.length - (owner.spec.revisionHistoryLimit ?? 10));
  for (const revision of dead.slice(0, surplus)) {
    await client.delete(controllerrevisions, refOf(revision)).catch(error => {
      if (!isNotFound(error)) throw error;
    });
  }
}
