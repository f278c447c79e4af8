import type { UnknownObject } from '#api';
import type { Response } from '#wire';
import { formFor } from '../content/negotiate.ts';
import type { View } from '../content/render.ts';
import { renderItem, renderUnstored } from '../content/render.ts';
import { alreadyExists, badRequest, generateNameConflict, invalidFields } from '../errors.ts';
import { admission } from './admit.ts';
import { breathe } from './breathe.ts';
import { commit, WriteConflict } from './commit.ts';
import { freshEnough } from './freshness.ts';
import { judgeNew } from './judge.ts';
import { recordWrite } from './managed-fields.ts';
import { readObject } from './read-object.ts';
import { alignNamespace, fillNewMetadata, generateName, identityOf, refuseResourceVersion } from './system-fields.ts';
import type { Target } from './target.ts';
import { keyOf, servedItem } from './target.ts';
import { managerOf, parseWriteOptions, type WriteOptions } from './write-options.ts';

/** Upstream's number of tries to make up a name that is free. */
const nameTries = 8;

/** POST to a collection. */
export async function create(target: Target): Promise<Response> {
  const { core, exchange, kind } = target;
  const form = formFor(target);
  const options = parseWriteOptions(exchange.info.query, 'CreateOptions');
  if (kind.namespaced && !target.namespace) throw badRequest('an empty namespace may not be set during creation');
  const draft = await readObject(target, options.fieldValidation);
  const view: View = { core, kind, form, exchange };
  return createObject(target, { draft, options, view });
}

export interface Creation {
  /** Decoded and defaulted; belongs to the creation. */
  readonly draft: UnknownObject;
  readonly options: WriteOptions;
  readonly view: View;
  /** managedFields stand in the draft already (apply). */
  readonly isTracked?: boolean;
}

/** Everything after decoding; also for updates and applies of objects that do not exist yet. */
export async function createObject(target: Target, creation: Creation): Promise<Response> {
  const { draft, options, view } = creation;
  const { kind } = target;
  // Namespaces, quotas and the like that another server has just made count here, too.
  const waiting = target.core.store.current && freshEnough(target.core, undefined);
  if (waiting) await waiting;
  alignNamespace(kind, draft, target.namespace);
  if (draft.metadata.resourceVersion) throw refuseResourceVersion();
  const identity = identityOf(target.core);
  Object.assign(draft.metadata, identity);
  const admitted = admission(target, {
    operation: 'CREATE',
    name: draft.metadata.name ?? '',
    dryRun: options.dryRun,
    object: draft,
    old: undefined,
  });
  let done = false;
  try {
    if (!creation.isTracked) {
      // As upstream: what admission adds is nobody's.
      const manager = managerOf(options, target.exchange.request.headers['user-agent']);
      await recordWrite(target, { draft, old: undefined, manager });
    }
    await breathe(target);
    await admitted.mutate();
    // A webhook may have put it elsewhere.
    alignNamespace(kind, draft, target.namespace);
    const isGenerated = !draft.metadata.name && Boolean(draft.metadata.generateName);
    prepare(target, draft, identity);
    await breathe(target);
    await validate(target, draft);
    await breathe(target);
    await admitted.validate();
    if (options.dryRun) return await dryRun(target, creation);
    const item = await store(target, draft, isGenerated);
    done = true;
    await breathe(target);
    return renderItem(view, await servedItem(target, item), 201);
  } finally {
    if (done) admitted.settle();
    else admitted.release();
  }
}

function prepare(target: Target, draft: UnknownObject, identity: ReturnType<typeof identityOf>): void {
  const { core, kind, exchange } = target;
  fillNewMetadata(core, draft, identity);
  delete draft.metadata.generation;
  kind.behaviour.prepareCreate?.(draft, { nowMs: core.clock.now(), user: exchange.user });
}

async function validate(target: Target, draft: UnknownObject): Promise<void> {
  const { errors, warnings } = await judgeNew(target, draft);
  if (errors.length > 0) throw invalidFields(target.kind, draft.metadata.name, errors);
  await breathe(target);
  target.exchange.warnings.push(...(target.kind.behaviour.warnings?.(draft, undefined) ?? []), ...warnings);
}

function dryRun(target: Target, { draft, view }: Creation): Response | Promise<Response> {
  const { core, kind } = target;
  const { name } = draft.metadata;
  if (core.cache.of(kind.storagePrefix).get(keyOf(target, name))) throw alreadyExists(kind, name);
  return renderUnstored(view, draft, 201);
}

async function store(target: Target, draft: UnknownObject, isGenerated: boolean) {
  for (let attempt = 1; ; attempt++) {
    const { name } = draft.metadata;
    try {
      return await commit(target, { name, object: draft, expect: 0 });
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      if (!isGenerated) throw alreadyExists(target.kind, name);
      if (attempt === nameTries) throw generateNameConflict(target.kind, name);
      draft.metadata.name = generateName(target.core, draft.metadata.generateName!);
    }
  }
}
