import type { UnknownObject } from '#api';
import type { Response } from '#wire';
import { formFor } from '../content/negotiate.ts';
import type { View } from '../content/render.ts';
import { renderItem, renderUnstored } from '../content/render.ts';
import { isLarge } from './breathe.ts';
import { createObject } from './create.ts';
import { freshEnough } from './freshness.ts';
import type { Outcome } from './modify.ts';
import { modify } from './modify.ts';
import { readObject } from './read-object.ts';
import { alignName } from './system-fields.ts';
import type { Target } from './target.ts';
import { keyOf, servedItem } from './target.ts';
import { managerOf, parseWriteOptions } from './write-options.ts';

/** PUT of an object or of one of its parts (status, ...). */
export async function update(target: Target): Promise<Response> {
  const { core, exchange, kind, name, subresource } = target;
  const { headers } = exchange.request;
  const view: View = { core, kind, form: formFor(target), exchange };
  const options = parseWriteOptions(exchange.info.query, 'UpdateOptions');
  const draft = await readObject(target, options.fieldValidation);
  alignName(draft, name);
  const mayCreate = kind.behaviour.createOnUpdate && subresource === '';
  const waiting = mayCreate && freshEnough(core, undefined);
  if (waiting) await waiting;
  if (mayCreate && !core.cache.of(kind.storagePrefix).get(keyOf(target))) {
    return createObject(target, { draft, options, view });
  }
  let unused: UnknownObject | undefined = draft;
  const readAnew = async () => {
    const object = unused ?? (await readObject(target, options.fieldValidation));
    unused = undefined;
    alignName(object, name);
    return object;
  };
  const outcome = await modify(target, {
    dryRun: options.dryRun,
    manager: managerOf(options, headers['user-agent']),
    // Somebody else may write in between, and then it is needed again.
    produce: () => (isLarge(target) ? readAnew() : structuredClone(draft)),
  });
  return renderOutcome(target, view, outcome);
}

export async function renderOutcome(target: Target, view: View, outcome: Outcome): Promise<Response> {
  return outcome.item ? renderItem(view, await servedItem(target, outcome.item)) : renderUnstored(view, outcome.object);
}
