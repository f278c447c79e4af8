import type { FieldError, UnknownObject } from '#api';
import type { Response } from '#wire';
import type { View } from '../content/render.ts';
import { toVersion } from '../content/versions.ts';
import { badRequest, invalidOptions, notFound, StatusError, statusOf } from '../errors.ts';
import { createObject } from './create.ts';
import { applied } from './managed-fields.ts';
import { modify } from './modify.ts';
import type { PatchBody } from './patch-body.ts';
import { checkConfiguration, settlePatched } from './read-object.ts';
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
  checkOptions(options);
  const config = checkConfiguration(target, body, options.fieldValidation);
  if (config.metadata.managedFields) throw badRequest('metadata.managedFields must be nil');
  alignName(config, name);
  const force = options.force ?? false;
  const manager = options.fieldManager;
  const settle = (value: UnknownObject) => settlePatched(target, { value, duplicates: [] }, 'Ignore');
  for (;;) {
    if (!core.cache.of(kind.storagePrefix).get(keyOf(target))) {
      if (subresource !== '') throw notFound(kind, name);
      checkNew(config);
      const draft = settle(applied(target, { live: undefined, config: structuredClone(config), manager, force }));
      try {
        return await createObject(target, { draft, options, view, isTracked: true });
      } catch (error) {
        // Somebody else made it meanwhile: then it is a change.
        if (statusOf(error)?.code !== 409 || options.dryRun) throw error;
        continue;
      }
    }
    const outcome = await modify(target, {
      dryRun: options.dryRun,
      manager,
      isTracked: true,
      produce: (_old, item) => {
        const live = toVersion(item.copy(), kind);
        const draft = settle(applied(target, { live, config: structuredClone(config), manager, force }));
        // Also where only a named version may be changed, a configuration needs to name none.
        draft.metadata.resourceVersion = config.metadata.resourceVersion || String(item.revision);
        return draft;
      },
    });
    return renderOutcome(view, outcome);
  }
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

function checkOptions(options: WriteOptions): void {
  if (options.fieldManager !== '') return;
  const message = 'Required value: is required for apply patch';
  const error: FieldError = { reason: 'FieldValueRequired', field: 'fieldManager', message };
  throw invalidOptions('PatchOptions', [error]);
}
