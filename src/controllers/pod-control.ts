import type { KubeObject, Pod } from '#api';
import { resources } from '#api';
import { isNamespaceTerminating, isNotFound, refOf } from '#client';
import type { ControllerDeps } from './controller.ts';

/** Creates a pod for an owner and says so in an event of the owner. A terminating namespace is not worth an event. */
export async function createPod({ client, events, log }: ControllerDeps, owner: KubeObject, pod: Pod): Promise<Pod> {
  try {
    const created = await client.create(resources.pods, pod);
    events.record(owner, {
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${created.metadata.name}`,
    });
    return created;
  } catch (error) {
    if (isNamespaceTerminating(error)) log.debug('pod not created, its namespace is terminating');
    else events.record(owner, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${textOf(error)}` });
    throw error;
  }
}

/** Deletes a pod of an owner, if it is still the same one. Resolves false when there was nothing to delete. */
export async function deletePod({ client, events }: ControllerDeps, owner: KubeObject, pod: Pod): Promise<boolean> {
  try {
    await client.delete(resources.pods, refOf(pod), { preconditions: { uid: pod.metadata.uid } });
    events.record(owner, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    events.record(owner, { type: 'Warning', reason: 'FailedDelete', message: `Error deleting: ${textOf(error)}` });
    throw error;
  }
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
