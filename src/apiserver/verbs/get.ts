import type { Response } from '#wire';
import { compressIfLarge } from '../content/compress.ts';
import { formFor } from '../content/negotiate.ts';
import { renderItem } from '../content/render.ts';
import { notFound } from '../errors.ts';
import { freshEnough } from './freshness.ts';
import { parseRevision } from './list-options.ts';
import type { Target } from './target.ts';
import { keyOf } from './target.ts';

/** GET of one object (or of its status, which is the object). */
export async function get(target: Target): Promise<Response> {
  const { core, exchange, kind } = target;
  const form = formFor(target);
  const { query } = exchange.info;
  const waiting = freshEnough(core, parseRevision(query.get('resourceVersion') ?? ''));
  if (waiting) await waiting;
  const item = core.cache.of(kind.storagePrefix).get(keyOf(target));
  if (!item) throw notFound(kind, target.name);
  const served = core.versions.serve(kind, [item]);
  const [shown] = served instanceof Promise ? await served : served;
  const rendered = renderItem({ core, kind, form, exchange }, shown!);
  return compressIfLarge(exchange.request, rendered instanceof Promise ? await rendered : rendered);
}
