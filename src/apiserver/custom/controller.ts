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
import { patchStatus } from './patch-status.ts';
import { planStatus } from './status.ts';

export interface DefinitionControllerDeps {
  readonly reader: ObjectReader;
  readonly definitions: Definitions;
  readonly client: Pick<Client, 'patch'>;
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
  const known = new Map<string, Known>();
  const queue = startQueue(
    { name: 'custom-resource-definitions', concurrency: 1, handle: name => syncStatus(deps, name, known) },
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
    const { metadata, spec, status } = crd;
    if (isDeleted) known.delete(metadata.name);
    else known.set(metadata.name, { name: metadata.name, group: spec.group, status });
    if (!isDeleted) queue.add(metadata.name);
    if (!isDeleted && isToBeFinalized(crd)) deletions.add(metadata.name);
    // Its names are free, or have changed.
    for (const other of sameGroup(known, crd)) if (!isSettled(other)) queue.add(other.name);
  });
  return {
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]();
      await Promise.all([queue[Symbol.asyncDispose](), deletions[Symbol.asyncDispose]()]);
    },
  };
}

/** What others want to know of a definition: reading all of a group for a change of one would take long. */
interface Known extends Pick<CustomResourceDefinition, 'status'> {
  readonly name: string;
  readonly group: string;
}

function sameGroup(known: ReadonlyMap<string, Known>, { metadata, spec }: CustomResourceDefinition): Known[] {
  return [...known.values()].filter(({ group, name }) => group === spec.group && name !== metadata.name);
}

/** Nothing that others do changes it any more. */
function isSettled({ status }: Known): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'NamesAccepted' && status === 'True') ?? false;
}

async function syncStatus(
  { reader, client, clock }: DefinitionControllerDeps,
  name: string,
  known: ReadonlyMap<string, Known>,
): Promise<void> {
  const crd = reader.get(customresourcedefinitions, undefined, name);
  if (!crd) return;
  const status = planStatus(crd, sameGroup(known, crd), clock.now());
  if (status === crd.status) return;
  try {
    await patchStatus(crd, status, client);
  } catch (error) {
    // Gone, or changed meanwhile: the change brings it here again.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function syncDeletion(deps: DefinitionControllerDeps, name: string, signal: AbortSignal): Promise<void> {
  const crd = deps.reader.get(customresourcedefinitions, undefined, name);
  if (crd && isToBeFinalized(crd)) await finalize(crd, { ...deps, signal });
}
