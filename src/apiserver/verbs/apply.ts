import { hash } from 'node:crypto';
import type { FieldError, Kind, UnknownObject } from '#api';
import { apiVersionOf, DecodeError, describeKind } from '#api';
import type { Response } from '#wire';
import type { View } from '../content/render.ts';
import { toVersion } from '../content/versions.ts';
import { badRequest, invalidOptions, notFound, StatusError, statusOf } from '../errors.ts';
import type { Item } from '../storage/item.ts';
import { copyOf } from './breathe.ts';
import { createObject } from './create.ts';
import { applied } from './managed-fields.ts';
import { modify } from './modify.ts';
import type { PatchBody } from './patch-body.ts';
import { settlePatched } from './read-object.ts';
import { alignName } from './system-fields.ts';
import type { Target } from './target.ts';
import { keyOf } from './target.ts';
import { renderOutcome } from './update.ts';
import type { WriteOptions } from './write-options.ts';

export interface ApplyRequest {
  readonly body: PatchBody;
  readonly options: WriteOptions;
  readonly view: View;
}

/** Server-side apply (KEP-555): the object becomes what the configuration says, as far as its manager may say it; made when it is not there. */
export async function apply(target: Target, request: ApplyRequest): Promise<Response> {
  const { options, view, body } = request;
  const { kind, name, core, subresource } = target;
  checkApplyOptions(options);
  for (;;) {
    if (core.cache.of(kind.storagePrefix).get(keyOf(target))) return change(target, request);
    if (subresource !== '') throw notFound(kind, name);
    const config = readConfiguration(body, kind);
    const draft = await applyTo(target, { live: undefined, config, request });
    checkNew(config);
    try {
      return await createObject(target, { draft, options, view, isTracked: true });
    } catch (error) {
      // Somebody else made it meanwhile: then it is a change.
      if (statusOf(error)?.code !== 409 || options.dryRun) throw error;
    }
  }
}

/** Those who apply do so again and again: what changed nothing of an object changes nothing of it until it is another one. */
async function change(target: Target, request: ApplyRequest): Promise<Response> {
  const { options, view, body } = request;
  const { kind } = target;
  const write = nameOfWrite(target, request);
  let last: Item | undefined;
  const outcome = await modify(target, {
    dryRun: options.dryRun,
    manager: options.fieldManager,
    isTracked: true,
    isVain: item => isKnownVain(item, kind, write),
    produce: async (_old, item) => {
      last = item;
      const live = toVersion(await copyOf(target, item), kind);
      if (isKnownVain(item, kind, write)) return live;
      const config = readConfiguration(body, kind);
      const draft = await applyTo(target, { live, config, request });
      // Also where only a named version may be changed, a configuration needs to name none.
      draft.metadata.resourceVersion = config.metadata.resourceVersion || String(item.revision);
      return draft;
    },
  });
  const isVain = last !== undefined && outcome.item === last && !isKnownVain(last, kind, write);
  if (isVain && body.duplicates.length === 0) last!.vainWrite = { kind, name: write };
  return renderOutcome(target, view, outcome);
}

function isKnownVain({ vainWrite }: Item, kind: Kind, name: string): boolean {
  // A custom kind with another schema is another kind.
  return vainWrite?.name === name && vainWrite.kind === kind;
}

/** Everything that the outcome of an apply depends on beside the object. */
function nameOfWrite({ kind, subresource }: Target, { body, options }: ApplyRequest): string {
  const { fieldManager, force = false } = options;
  return JSON.stringify([hash('sha1', body.text, 'base64'), fieldManager, force, subresource, apiVersionOf(kind)]);
}

async function applyTo(
  target: Target,
  { live, config, request }: { live: UnknownObject | undefined; config: UnknownObject; request: ApplyRequest },
): Promise<UnknownObject> {
  const { body, options } = request;
  const { fieldManager: manager, force = false } = options;
  const draft = settle(target, await applied(target, { live, config: structuredClone(config), manager, force }));
  alignName(draft, target.name);
  checkStrictly(target, body, options);
  return draft;
}

/** The configuration as it was sent: it is checked against its type when it is applied. Throws 400. */
export function readConfiguration(body: PatchBody, kind: Pick<Kind, 'group' | 'version' | 'kind'>): UnknownObject {
  const { value } = body;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const name = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    const why = `json: cannot unmarshal ${name} into Go value of type map[string]interface {}`;
    throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${why}`);
  }
  const config = value as UnknownObject;
  if (config.apiVersion !== apiVersionOf(kind) || config.kind !== kind.kind) {
    throw badRequest(`invalid object type: ${describeKind(config)}`);
  }
  const metadata: unknown = config.metadata ?? {};
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return config;
  if ((metadata as UnknownObject['metadata']).managedFields) throw badRequest('metadata.managedFields must be nil');
  return { ...config, metadata: metadata as UnknownObject['metadata'] };
}

/** Makes the outcome an object of its kind again. Throws 400 for values that fit their shape and yet cannot be read (quantities, times). */
function settle(target: Target, value: UnknownObject): UnknownObject {
  try {
    return settlePatched(target, { value, duplicates: [] }, 'Ignore');
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(error.message) : error;
  }
}

/** Keys that stand twice in the body; upstream looks for them last. */
function checkStrictly({ exchange }: Target, { duplicates }: PatchBody, { fieldValidation }: WriteOptions): void {
  if (duplicates.length === 0 || fieldValidation === 'Ignore') return;
  if (fieldValidation === 'Strict') {
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${duplicates.join(', ')}`);
  }
  for (const text of duplicates)
    exchange.warnings.push(
      ...text
        .replace(/^yaml: unmarshal errors:\n/, '')
        .trim()
        .split(/\n\s*/),
    );
}

function checkNew(config: UnknownObject): void {
  const { uid, name } = config.metadata;
  if (!uid) return;
  throw new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    details: { name },
  });
}

/** Who applies must say who it is. Throws 422. */
export function checkApplyOptions(options: WriteOptions): void {
  if (options.fieldManager !== '') return;
  const message = 'Required value: is required for apply patch';
  const error: FieldError = { reason: 'FieldValueRequired', field: 'fieldManager', message };
  throw invalidOptions('PatchOptions', [error]);
}
