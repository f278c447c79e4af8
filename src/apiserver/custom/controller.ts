import type { CustomResourceDefinition } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import type { Client } from '#client';
import { isConflict, isNotFound, startQueue } from '#client';
import type { Store } from '#store';
import type { ObjectReader } from '../reader.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import type { Definitions } from './definitions.ts';
import { finalize, isToBeFinalized } from './finalize.ts';
import { planStatus } from './status.ts';

export interface DefinitionControllerDeps {
  readonly reader: ObjectReader;
  readonly definitions: Definitions;
  readonly client: Pick<Client, 'update' | 'patch'>;
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly log: Log;
}

const { customresourcedefinitions } = resources;

/**
 * Keeps the status of definitions (accepted names, conditions) and takes the instances of deleted ones away. It is part of the server, not one of the
 * controllers, because without it nothing custom is served: a server alone must be whole. One at a time, for names are handed out.
 */
export function startDefinitionController(deps: DefinitionControllerDeps): AsyncDisposable {
  const { reader, clock, log } = deps;
  const queue = startQueue(
    { name: 'custom-resource-definitions', concurrency: 1, handle: name => syncStatus(deps, name) },
    { clock, log },
  );
  const deletions = startQueue(
    {
      name: 'custom-resource-deletions',
      concurrency: 5,
      handle: (name, signal) => syncDeletion(deps, name, signal),
    },
    { clock, log },
  );
  const watching = reader.onChange(customresourcedefinitions, (crd, isDeleted) => {
    if (!isDeleted) queue.add(crd.metadata.name);
    if (!isDeleted && isToBeFinalized(crd)) deletions.add(crd.metadata.name);
    // Its names are free, or have changed.
    for (const other of sameGroup(reader, crd)) if (!isSettled(other)) queue.add(other.metadata.name);
  });
  return {
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]();
      await Promise.all([queue[Symbol.asyncDispose](), deletions[Symbol.asyncDispose]()]);
    },
  };
}

function sameGroup(reader: ObjectReader, { metadata, spec }: CustomResourceDefinition): CustomResourceDefinition[] {
  return reader
    .list(customresourcedefinitions)
    .filter(other => other.spec.group === spec.group && other.metadata.name !== metadata.name);
}

/** Nothing that others do changes it any more. */
function isSettled({ status }: CustomResourceDefinition): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'NamesAccepted' && status === 'True') ?? false;
}

async function syncStatus({ reader, client, clock }: DefinitionControllerDeps, name: string): Promise<void> {
  const crd = reader.get(customresourcedefinitions, undefined, name);
  if (!crd) return;
  const status = planStatus(crd, sameGroup(reader, crd), clock.now());
  if (status === crd.status) return;
  try {
    await client.update(customresourcedefinitions, { ...crd, status }, { subresource: 'status' });
  } catch (error) {
    // Gone, or changed meanwhile: the change brings it here again.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function syncDeletion(deps: DefinitionControllerDeps, name: string, signal: AbortSignal): Promise<void> {
  const crd = deps.reader.get(customresourcedefinitions, undefined, name);
  if (crd && isToBeFinalized(crd)) await finalize(crd, { ...deps, signal });
}
