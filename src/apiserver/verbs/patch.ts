import type { RawText } from '#api';
import { createTurn } from '#base';
import type { Response } from '#wire';
import { formFor } from '../content/negotiate.ts';
import type { View } from '../content/render.ts';
import { toVersion } from '../content/versions.ts';
import { invalidOptions } from '../errors.ts';
import { apply } from './apply.ts';
import { copyOf } from './breathe.ts';
import { modify } from './modify.ts';
import { applyPatchBody, readPatch } from './patch-body.ts';
import { settlePatched } from './read-object.ts';
import { alignName } from './system-fields.ts';
import type { Target } from './target.ts';
import { renderOutcome } from './update.ts';
import type { WriteOptions } from './write-options.ts';
import { managerOf, parseWriteOptions } from './write-options.ts';

/** PATCH of an object or of one of its parts. */
export async function patch(target: Target): Promise<Response> {
  const { core, exchange, kind, name } = target;
  const { headers } = exchange.request;
  const view: View = { core, kind, form: formFor(target), exchange };
  const options = parseWriteOptions(exchange.info.query, 'PatchOptions');
  const body = await readPatch(target, options.fieldValidation);
  if (body.type === 'apply') return apply(target, { body, options, view });
  refuseForce(options);
  const outcome = await modify(target, {
    dryRun: options.dryRun,
    manager: managerOf(options, headers['user-agent']),
    async produce(_old, item) {
      const turn = exchange.turn ?? createTurn(core.clock);
      const current = toVersion(await copyOf(target, item), kind);
      if (turn.isOver()) await turn.next();
      const check = (document: RawText) => settlePatched(target, document, options.fieldValidation);
      const draft = await applyPatchBody(body, current, { type: kind.type, turn, check });
      alignName(draft, name);
      return draft;
    },
  });
  return renderOutcome(target, view, outcome);
}

function refuseForce({ force }: WriteOptions): void {
  if (force === undefined) return;
  const message = 'Forbidden: may not be specified for non-apply patch';
  throw invalidOptions('PatchOptions', [{ reason: 'FieldValueForbidden', field: 'force', message }]);
}
