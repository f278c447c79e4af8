import type { UnknownObject } from '#api';
import type { Response } from '#wire';
import { negotiate, objectOffer } from '../content/negotiate.ts';
import { modify } from './modify.ts';
import { readObject } from './read-object.ts';
import { alignName } from './system-fields.ts';
import type { Target } from './target.ts';
import { renderOutcome } from './update.ts';
import { managerOf, parseWriteOptions } from './write-options.ts';

/** PUT of namespaces/<name>/finalize: changes spec.finalizers only. The update that empties them completes the deletion. */
export async function finalizeNamespace(target: Target): Promise<Response> {
  const { core, exchange, kind, name } = target;
  const { headers } = exchange.request;
  const form = negotiate(headers['accept'], objectOffer);
  const options = parseWriteOptions(exchange.info.query, 'UpdateOptions');
  const draft = await readObject(target, options.fieldValidation);
  alignName(draft, name);
  const wanted = (draft['spec'] as { finalizers?: string[] } | undefined)?.finalizers;
  const outcome = await modify(target, {
    dryRun: options.dryRun,
    manager: managerOf(options, headers['user-agent']),
    produce: () => structuredClone(draft),
    prepare: (changed, old) => keepAllButFinalizers(changed, old, wanted),
  });
  return renderOutcome(target, { core, kind, form, exchange }, outcome);
}

function keepAllButFinalizers(draft: UnknownObject, old: UnknownObject, wanted: string[] | undefined): void {
  draft['spec'] = { ...(old['spec'] as object), finalizers: wanted ?? [] };
  draft['status'] = old['status'];
}
