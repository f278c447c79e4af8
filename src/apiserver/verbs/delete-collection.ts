import type { Response } from '#wire';
import { formFor } from '../content/negotiate.ts';
import { renderList } from '../content/render-list.ts';
import { badRequest, statusOf } from '../errors.ts';
import type { Item } from '../storage/item.ts';
import { deleteObject } from './delete.ts';
import { readDeleteOptions } from './delete-options.ts';
import { readPage } from './list.ts';
import { parseListOptions } from './list-options.ts';
import type { Target } from './target.ts';

/** Objects that are deleted at the same time, so that their writes share a transaction. */
const parallel = 16;

/** DELETE of a collection: everything that the selectors select. Answers with the list of what was asked to go, as upstream. */
export async function deleteCollection(target: Target): Promise<Response> {
  const { core, exchange, kind } = target;
  if (kind.namespaced && !target.namespace) throw badRequest('namespace may not be empty when deleting a collection');
  const form = formFor(target);
  const listOptions = parseListOptions(exchange.info.query, false);
  const options = await readDeleteOptions(target);
  const page = await readPage(target, listOptions);
  const waiting = [...page.items];
  await Promise.all(Array.from({ length: parallel }, () => work(waiting, item => deleteItem(target, item, options))));
  return renderList({ core, kind, form, exchange }, page);
}

async function work(waiting: Item[], run: (item: Item) => Promise<void>): Promise<void> {
  for (let item = waiting.shift(); item; item = waiting.shift()) await run(item);
}

async function deleteItem(
  target: Target,
  item: Item,
  options: Awaited<ReturnType<typeof readDeleteOptions>>,
): Promise<void> {
  try {
    await deleteObject({ ...target, name: item.name, namespace: item.namespace || undefined }, options);
  } catch (error) {
    // Somebody else was faster: it is gone, which is all that was wanted.
    if (statusOf(error)?.code !== 404) throw error;
  }
}
