import type { KubeObject, LabelSelector, OwnerReference, Resource } from '#api';
import type { Client } from '#client';
import { isInvalid, isNotFound, refOf } from '#client';
import { controllerRefOf } from './owners.ts';
import { matchesSelector } from './selector.ts';

export interface ClaimOptions<T extends KubeObject> {
  client: Client;
  resource: Resource<T>;
  owner: KubeObject;
  ownerRef: OwnerReference;
  selector: LabelSelector | undefined;
  /** Objects that are the owner's or nobody's, of the owner's namespace. */
  candidates: readonly T[];
  /** Added to what is adopted (the job's tracking finalizer). */
  finalizer?: string;
  /** Reads the owner anew from the server: an owner that went away or came back with another uid may not adopt. */
  fresh(): Promise<KubeObject>;
}

/**
 * Adopts matching orphans, releases objects that do not match any more, and resolves with what the owner now manages. After upstream's
 * ControllerRefManager.
 */
export async function claimObjects<T extends KubeObject>(options: ClaimOptions<T>): Promise<T[]> {
  const { owner, selector, candidates } = options;
  let checked: Promise<void> | undefined;
  const mayAdopt = () => (checked ??= checkOwner(options));
  const claimed = await Promise.all(
    candidates.map(async object => {
      const matches = matchesSelector(selector, object.metadata.labels);
      const ref = controllerRefOf(object);
      if (ref) {
        if (ref.uid !== owner.metadata.uid) return undefined;
        if (matches) return object;
        if (!owner.metadata.deletionTimestamp) await release(options, object);
        return undefined;
      }
      if (!matches || owner.metadata.deletionTimestamp || object.metadata.deletionTimestamp) return undefined;
      await mayAdopt();
      return adopt(options, object);
    }),
  );
  return claimed.filter(object => object !== undefined);
}

async function checkOwner<T extends KubeObject>({ owner, fresh }: ClaimOptions<T>): Promise<void> {
  const { kind } = owner;
  const { metadata } = await fresh();
  const { namespace, name } = owner.metadata;
  if (metadata.uid !== owner.metadata.uid) {
    throw new Error(
      `original ${kind} ${namespace}/${name} is gone: got uid ${metadata.uid}, wanted ${owner.metadata.uid}`,
    );
  }
  if (metadata.deletionTimestamp)
    throw new Error(`${namespace}/${name} has just been deleted at ${metadata.deletionTimestamp}`);
}

async function adopt<T extends KubeObject>(options: ClaimOptions<T>, object: T): Promise<T | undefined> {
  const { client, resource, ownerRef, finalizer } = options;
  const metadata = {
    uid: object.metadata.uid,
    ownerReferences: [ownerRef],
    ...(finalizer ? { finalizers: [...(object.metadata.finalizers ?? []), finalizer] } : {}),
  };
  try {
    return await client.patch(resource, refOf(object), { type: 'strategic', body: { metadata } });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function release<T extends KubeObject>(options: ClaimOptions<T>, object: T): Promise<void> {
  const { client, resource, owner, finalizer } = options;
  const ownerReferences = [{ $patch: 'delete', uid: owner.metadata.uid }];
  const metadata = {
    uid: object.metadata.uid,
    ownerReferences,
    ...(finalizer ? { '$deleteFromPrimitiveList/finalizers': [finalizer] } : {}),
  };
  try {
    await client.patch(resource, refOf(object), { type: 'strategic', body: { metadata } });
  } catch (error) {
    // Gone already, or its uid changed (a 422): either way it is not ours any more.
    if (!isNotFound(error) && !isInvalid(error)) throw error;
  }
}
