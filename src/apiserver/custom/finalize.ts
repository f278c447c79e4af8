import type { CustomResourceDefinition } from '#api';
import { resources } from '#api';
import type { Client } from '#client';
import { isConflict, isNotFound } from '#client';
import type { ObjectReader } from '../reader.ts';
import type { NewCondition } from './conditions.ts';
import { withCondition } from './conditions.ts';
import { hasCondition } from './definition.ts';
import type { Definitions } from './definitions.ts';
import type { InstanceDeps } from './instances.ts';
import { deleteInstances, instancesGone } from './instances.ts';
import { patchStatus } from './patch-status.ts';

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export interface FinalizeDeps extends InstanceDeps {
  readonly reader: ObjectReader;
  readonly definitions: Definitions;
  readonly client: Pick<Client, 'patch'>;
}

const { customresourcedefinitions } = resources;

/** True while it waits for its instances to go. */
export function isToBeFinalized({ metadata }: CustomResourceDefinition): boolean {
  return Boolean(metadata.deletionTimestamp) && (metadata.finalizers?.includes(cleanupFinalizer) ?? false);
}

const inProgress: NewCondition = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionInProgress',
  message: 'CustomResource deletion is in progress',
};
const completed: NewCondition = {
  type: 'Terminating',
  status: 'False',
  reason: 'InstanceDeletionCompleted',
  message: 'removed all instances',
};
const overlapping: NewCondition = {
  type: 'Terminating',
  status: 'False',
  reason: 'OverlappingBuiltInResource',
  message: 'instances overlap with built-in resources in storage',
};
const neverEstablished: NewCondition = {
  type: 'Terminating',
  status: 'False',
  reason: 'NeverEstablished',
  message: 'resource was never established',
};

/** Deletes all instances of a deleted definition, and then lets it go. Rejects when that takes too long. Source: controller/finalizer/crd_finalizer.go. */
export async function finalize(crd: CustomResourceDefinition, deps: FinalizeDeps): Promise<void> {
  try {
    let current = await setTerminating(crd, inProgress, deps);
    const outcome = await emptied(current, deps);
    current = deps.reader.get(customresourcedefinitions, undefined, crd.metadata.name) ?? current;
    current = await setTerminating(current, outcome, deps);
    const { name, uid, resourceVersion } = current.metadata;
    const finalizers = (current.metadata.finalizers ?? []).filter(finalizer => finalizer !== cleanupFinalizer);
    const body = { metadata: { uid, resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null } };
    await deps.client.patch(customresourcedefinitions, { name }, { type: 'merge', body, metadataOnly: true });
  } catch (error) {
    // Gone, or changed meanwhile: the change brings it here again.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function setTerminating(
  crd: CustomResourceDefinition,
  condition: NewCondition,
  { client, clock }: FinalizeDeps,
): Promise<CustomResourceDefinition> {
  const old = crd.status?.conditions ?? [];
  const conditions = withCondition(old, condition, clock.now());
  if (conditions === old) return crd;
  return patchStatus(crd, { ...crd.status, conditions: [...conditions] }, client);
}

/** Resolves with what is to be said of it when there is no instance any more. */
async function emptied(crd: CustomResourceDefinition, deps: FinalizeDeps): Promise<NewCondition> {
  const { spec } = crd;
  if (deps.definitions.overlapsBuiltIn(crd)) return overlapping;
  if (!hasCondition(crd, 'Established')) return neverEstablished;
  const prefix = `${spec.group}/${spec.names.plural}`;
  const steps = [
    ['InstanceDeletionFailed', 'could not issue all deletes', deleteInstances],
    ['InstanceDeletionCheck', 'could not confirm zero CustomResources remaining', instancesGone],
  ] as const;
  for (const [reason, what, run] of steps) {
    try {
      await run(prefix, deps);
    } catch (error) {
      // The server stops: whoever comes next goes on.
      if (deps.signal.aborted) throw error;
      const message = `${what}: ${(error as Error).message}`;
      await setTerminating(crd, { ...inProgress, reason, message }, deps);
      throw error;
    }
  }
  return completed;
}
