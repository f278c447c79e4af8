import type { ControllerRevision, PodTemplateSpec, StatefulSet } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import { isAlreadyExists, isNotFound, refOf } from '#client';
import type { ControllerDeps } from '../controller.ts';
import { contentHash, equalContent } from '../hash.ts';
import { controllerRefTo, isControlledBy } from '../owners.ts';
import type { Revision } from './identity.ts';
import { revisionOf } from './identity.ts';

const { controllerrevisions } = resources;
const hashLabel = 'controller.kubernetes.io/hash';

export interface Revisions {
  current: Revision;
  update: Revision;
  all: ControllerRevision[];
}

/** The revisions of a set's template, where the newest is made or moved to the front when the template changed. */
export async function syncRevisions(
  deps: ControllerDeps,
  informer: Informer<ControllerRevision>,
  set: StatefulSet,
): Promise<Revisions | 'collision'> {
  const all = informer.byIndex('controller', set.metadata.uid ?? '').sort((a, b) => a.revision - b.revision);
  const data = { spec: { template: { ...set.spec.template, $patch: 'replace' } } };
  const newest = all.at(-1);
  let update = all.findLast(one => equalContent(one.data, data));
  if (!update) {
    const made = await createRevision(deps, set, data, (newest?.revision ?? 0) + 1);
    if (!made) return 'collision';
    update = made;
  } else if (newest && update !== newest) {
    // A rollback: the old template is the newest again.
    update = await deps.client.update(controllerrevisions, { ...update, revision: newest.revision + 1 });
  }
  const current = all.find(one => one.metadata.name === set.status?.currentRevision) ?? update;
  return { current: toRevision(current), update: toRevision(update), all };
}

function toRevision({ metadata, data }: ControllerRevision): Revision {
  const { $patch: _, ...template } = (data as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec
    .template;
  return { name: metadata.name, template };
}

/** Undefined: the name is taken by another content, and the set's collisionCount has to grow. */
async function createRevision(
  { client }: ControllerDeps,
  set: StatefulSet,
  data: object,
  revision: number,
): Promise<ControllerRevision | undefined> {
  const hash = contentHash(data, set.status?.collisionCount);
  const name = `${set.metadata.name}-${hash}`;
  const { namespace } = set.metadata;
  const labels = { ...set.spec.template.metadata?.labels, [hashLabel]: hash };
  const ownerReferences = [controllerRefTo(resources.statefulsets, set)];
  try {
    const object = { metadata: { name, namespace, labels, ownerReferences }, data, revision };
    return await client.create(controllerrevisions, object as ControllerRevision);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const existing = await client.get(controllerrevisions, { namespace, name });
    return isControlledBy(existing, set) && equalContent(existing.data, data) ? existing : undefined;
  }
}

/** Deletes the oldest revisions that neither the set nor a pod is made from. */
export async function truncateRevisions(
  { client }: ControllerDeps,
  set: StatefulSet,
  { all, current, update }: Revisions,
  pods: Parameters<typeof revisionOf>[0][],
): Promise<void> {
  const live = new Set([current.name, update.name, ...pods.map(revisionOf)]);
  const dead = all.filter(({ metadata }) => !live.has(metadata.name));
  const surplus = Math.max(0, dead.length - (set.spec.revisionHistoryLimit ?? 10));
  for (const revision of dead.slice(0, surplus)) {
    await client.delete(controllerrevisions, refOf(revision)).catch(error => {
      if (!isNotFound(error)) throw error;
    });
  }
}
