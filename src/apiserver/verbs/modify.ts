import { isDeepStrictEqual } from 'node:util';
import type { UnknownObject } from '#api';
import { servedObject } from '../content/render.ts';
import { invalidFields, modified, StatusError } from '../errors.ts';
import { encodeInSteps, encodeObject } from '../storage/encode.ts';
import type { Item } from '../storage/item.ts';
import { isSameJson } from '../storage/json-values.ts';
import { admission } from './admit.ts';
import { breathe, isLarge, noteSize } from './breathe.ts';
import { commit, remove } from './commit.ts';
import { withCurrentItem } from './current-item.ts';
import { judgeChange } from './judge.ts';
import { recordWrite } from './managed-fields.ts';
import { alignNamespace, inheritMetadata } from './system-fields.ts';
import type { Target } from './target.ts';
import { servedItem, storeKeyOf } from './target.ts';

/** A change of one object that exists. */
export interface Change {
  readonly dryRun: boolean;
  readonly manager: string;
  /**
   * The object as it is to become, out of the current one (which must not be changed; `item` is the same in the version of the target's kind). Called again when someone else wrote in between. What it returns
   * belongs to the change.
   */
  produce(old: UnknownObject, item: Item): UnknownObject | Promise<UnknownObject>;
  /** What admission sees instead of the object (Scale), of the draft and of the old one; default the object. */
  admitted?: ((draft: UnknownObject) => UnknownObject) | undefined;
  /** Takes over into the draft what admission changed of that. */
  takeBack?: ((draft: UnknownObject, admitted: UnknownObject) => void) | undefined;
  /** The server's own part of the rules of a subresource, in place of the kind's. */
  prepare?: ((draft: UnknownObject, old: UnknownObject) => void) | undefined;
  /** True when managedFields were computed by `produce` (apply). */
  readonly isTracked?: boolean | undefined;
  /** What `produce` gave is known to be the object as it is: if admission leaves it so, nothing else is to be asked. */
  isVain?(item: Item): boolean;
  /** The server's own small changes (a binding) need no look at the whole object. */
  readonly isUnchecked?: boolean | undefined;
}

/** What a change led to: an item at its revision, or (dry runs, deletions by finalizer) the object alone. */
export type Outcome = { item: Item; object?: undefined } | { item?: undefined; object: UnknownObject };

/** Reads, changes, checks, and writes if nobody wrote in between; else again. Throws 404, 409, 422 and what admission throws. */
export function modify(target: Target, change: Change): Promise<Outcome> {
  return withCurrentItem(target, item => modifyOnce(target, change, item));
}

/** Of other parts only their rules say what a write may change: its owner is known after them. */
const wholeOrStatus: ReadonlySet<string> = new Set(['', 'status', 'scale']);

async function modifyOnce(target: Target, change: Change, item: Item): Promise<Outcome> {
  const { kind, name, subresource } = target;
  noteSize(target, item.length);
  const shown = await servedItem(target, item);
  if (target.exchange.turn) await shown.load(target.exchange.turn);
  const old = servedObject(kind, shown);
  await breathe(target);
  const draft = await change.produce(old, shown);
  await breathe(target);
  checkBasis(target, draft, item);
  alignNamespace(kind, draft, target.namespace);
  inheritMetadata(draft, old);
  const admitted = admission(target, {
    operation: 'UPDATE',
    name,
    dryRun: change.dryRun,
    object: change.admitted ? change.admitted(draft) : draft,
    old: change.admitted ? change.admitted(old) : old,
  });
  let outcome: Outcome | undefined;
  try {
    // As upstream: what admission changes is nobody's, and so is what the server writes by itself.
    const isTracked = change.isTracked || change.isUnchecked;
    const isRecordedFirst = wholeOrStatus.has(subresource);
    if (!isTracked && isRecordedFirst) await recordWrite(target, { draft, old, manager: change.manager });
    await breathe(target);
    await admitted.mutate();
    if (admitted.request.object) change.takeBack?.(draft, admitted.request.object);
    if (change.isVain?.(item) && isUntouched(target, draft, item)) {
      warnOf(target, draft, old);
      await admitted.validate();
      outcome = { item };
      return outcome;
    }
    prepare(target, { draft, old, change });
    await breathe(target);
    if (!isTracked && !isRecordedFirst) await recordWrite(target, { draft, old, manager: change.manager });
    if (!change.isUnchecked) await validate(target, draft, old);
    await admitted.validate();
    await breathe(target);
    outcome = await write(target, { draft, item, dryRun: change.dryRun });
    return outcome;
  } finally {
    if (outcome) admitted.settle();
    else admitted.release();
  }
}

/** The version and the identity that the client had in mind, if it said so. */
function checkBasis({ kind, name }: Target, draft: UnknownObject, item: Item): void {
  const { metadata } = draft;
  if (metadata.resourceVersion && metadata.resourceVersion !== String(item.revision)) throw modified(kind, name);
  const uid = item.object().metadata.uid;
  if (metadata.uid && metadata.uid !== uid) {
    throw new StatusError({
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ${kind.group ? `${kind.resource}.${kind.group}` : kind.resource} "${name}": Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`,
      details: { name, ...(kind.group ? { group: kind.group } : {}), kind: kind.resource },
    });
  }
  if (!metadata.resourceVersion && kind.behaviour.unconditionalUpdate === false) {
    const message = 'Invalid value: 0x0: must be specified for an update';
    throw invalidFields(kind, name, [{ reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message }]);
  }
  metadata.resourceVersion = String(item.revision);
}

function prepare(target: Target, parts: { draft: UnknownObject; old: UnknownObject; change: Change }): void {
  const { kind, core, subresource } = target;
  const { draft, old, change } = parts;
  const context = { nowMs: core.clock.now() };
  if (change.prepare) change.prepare(draft, old);
  else if (subresource === '') kind.behaviour.prepareUpdate?.(draft, old, context);
  else if (kind.behaviour.prepareSubresource) kind.behaviour.prepareSubresource(draft, old, subresource, context);
  else if (subresource === 'status') keepAllButStatus(draft, old);
}

/** What a status write changes when the kind says nothing else. */
function keepAllButStatus(draft: UnknownObject, old: UnknownObject): void {
  const { managedFields, resourceVersion } = draft.metadata;
  for (const field of Object.keys(draft)) if (field !== 'status' && !(field in old)) delete draft[field];
  for (const field of Object.keys(old)) if (field !== 'status') draft[field] = old[field];
  draft.metadata = { ...old.metadata, resourceVersion };
  if (managedFields) draft.metadata.managedFields = managedFields;
}

async function validate(target: Target, draft: UnknownObject, old: UnknownObject): Promise<void> {
  const { errors, warnings } = await judgeChange(target, draft, old);
  if (errors.length > 0) throw invalidFields(target.kind, target.name, errors);
  warnOf(target, draft, old);
  if (target.subresource === '') target.exchange.warnings.push(...warnings);
}

function warnOf({ kind, subresource, exchange }: Target, draft: UnknownObject, old: UnknownObject): void {
  if (subresource !== '') return;
  for (const text of kind.behaviour.warnings?.(draft, old) ?? []) exchange.warnings.push(text);
}

function isUntouched({ core, kind }: Target, draft: UnknownObject, item: Item): boolean {
  const stored = core.versions.store(kind, draft);
  if (stored instanceof Promise) return false;
  return isSameJson(stored, item.object()) || item.holds(encodeObject(stored));
}

async function write(target: Target, parts: { draft: UnknownObject; item: Item; dryRun: boolean }): Promise<Outcome> {
  const { core, kind, name } = target;
  const { draft, item, dryRun } = parts;
  const stored = await core.versions.store(kind, draft);
  const bytes = isLarge(target) ? await encodeInSteps(stored, () => breathe(target)) : encodeObject(stored);
  // Equal bytes are quickly told; else the order of members may be another, which is not part of an object.
  const mayBeSame = !isLarge(target) || item.isAsLongAs(bytes);
  const isSame = item.holds(bytes) || (mayBeSame && isUnchanged(stored, item));
  if (isSame && !(await core.isStale?.(storeKeyOf(target)))) return { item };
  if (dryRun) return { object: draft };
  if (isFinished(draft)) {
    const revision = await remove(target, { name, expect: item.revision });
    draft.metadata.resourceVersion = String(revision);
    return { object: draft };
  }
  return { item: await commit(target, { name, object: draft, expect: item.revision, encoded: { stored, bytes } }) };
}

/** Writing what is there already would only make work for everyone who watches. */
function isUnchanged(stored: UnknownObject, item: Item): boolean {
  return isDeepStrictEqual(plain(stored), plain(item.object()));
}

/** Without what every write moves: the version, and when somebody last wrote his fields. */
function plain(object: UnknownObject): unknown {
  const { resourceVersion: _version, managedFields, ...metadata } = object.metadata;
  return { ...object, metadata, managers: managedFields?.map(({ time: _time, ...entry }) => entry) };
}

/** The last finalizer is gone and nothing is left to wait for: this update completes the deletion. */
function isFinished({ metadata, spec }: UnknownObject): boolean {
  if (!metadata.deletionTimestamp || metadata.finalizers?.length) return false;
  const ownFinalizers = (spec as { finalizers?: string[] } | undefined)?.finalizers;
  return !(metadata.deletionGracePeriodSeconds ?? 0) && !ownFinalizers?.length;
}
