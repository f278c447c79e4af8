import type { KubeObject, UnknownObject } from '#api';
import type { Response } from '#wire';
import { formFor } from '../content/negotiate.ts';
import { renderItem } from '../content/render.ts';
import { renderList } from '../content/render-list.ts';
import { methodNotAllowed, notFound } from '../errors.ts';
import { encodeObject } from '../storage/encode.ts';
import { Item } from '../storage/item.ts';
import { parseListOptions } from './list-options.ts';
import { parseSelection } from './selection.ts';
import type { Target } from './target.ts';

/** GET and LIST of objects that are made up when they are asked for. Throws 404, 405 for a watch, and 400 for selectors that are none. */
export async function showComputed(target: Target, objects: readonly KubeObject[]): Promise<Response> {
  const { core, exchange, kind } = target;
  if (exchange.info.verb === 'watch') throw methodNotAllowed();
  const view = { core, kind, form: formFor(target), exchange };
  const { revision } = core.cache;
  const items = objects.map(object => {
    return Item.stored(object.metadata.name ?? '', revision, encodeObject(object as UnknownObject));
  });
  if (exchange.info.verb === 'get') {
    const item = items.find(one => one.name === target.name);
    if (!item) throw notFound(kind, target.name);
    return renderItem(view, item);
  }
  const selection = parseSelection(kind, parseListOptions(exchange.info.query, false));
  const selected = selection ? items.filter(selection) : items;
  return renderList(view, { items: selected, revision, continueToken: '', remaining: undefined });
}
