import { isCustomKind } from '#api';
import type { Turn } from '#base';
import { createTurn } from '#base';
import type { Response } from '#wire';
import { jsonHeaders } from '../content/answer.ts';
import { compressIfLarge } from '../content/compress.ts';
import { formFor } from '../content/negotiate.ts';
import { isLargeItem } from '../content/render.ts';
import { renderList, shareList } from '../content/render-list.ts';
import { expired } from '../errors.ts';
import type { Item } from '../storage/item.ts';
import type { ResourceCache } from '../watch-cache/resource-cache.ts';
import type { Snapshot } from '../watch-cache/snapshot.ts';
import type { ContinueToken } from './continue-token.ts';
import { formatContinueToken, parseContinueToken } from './continue-token.ts';
import { freshEnough } from './freshness.ts';
import type { ListOptions } from './list-options.ts';
import { parseListOptions } from './list-options.ts';
import type { Selection } from './selection.ts';
import { parseSelection } from './selection.ts';
import type { Target } from './target.ts';

/** One page of a list. */
export interface Page {
  readonly items: readonly Item[];
  /** When the page is all that there is: the same items, shared with other lists. */
  readonly snapshot?: Snapshot | undefined;
  /** The state that it shows. */
  readonly revision: number;
  readonly continueToken: string;
  /** How many follow; undefined when that is not known (selectors). */
  readonly remaining: number | undefined;
}

/** GET of a collection. */
export async function list(target: Target): Promise<Response> {
  const { core, exchange, kind } = target;
  const form = formFor(target);
  const options = parseListOptions(exchange.info.query, false);
  const page = await readPage(target, options);
  if (exchange.request.shares && form.media === 'json' && form.as !== 'Table') {
    return { status: 200, headers: jsonHeaders, value: await shareList({ core, kind, form }, page) };
  }
  const answer = await renderList({ core, kind, form, exchange }, page);
  return compressIfLarge(exchange.request, answer);
}

/** Reads what the options ask for, in the version of the target's kind. Throws 400, 410, 504, and 500 for a conversion that fails. */
export async function readPage(target: Target, options: ListOptions): Promise<Page> {
  const page = await readStored(target, options);
  const { kind, core } = target;
  if (!isCustomKind(kind)) return page;
  // What is remembered of a list does not know when a definition changes.
  return { ...page, items: await core.versions.serve(kind, page.items), snapshot: undefined };
}

async function readStored(target: Target, options: ListOptions): Promise<Page> {
  const selection = parseSelection(target.kind, options);
  const cache = target.core.cache.of(target.kind.storagePrefix);
  const token = options.continueToken ? parseContinueToken(options.continueToken) : undefined;
  const { exact, atLeast } = versionsOf(options, token);
  const waiting = freshEnough(target.core, exact ?? atLeast);
  if (waiting) await waiting;
  const revision = exact ?? target.core.cache.revision;
  const prefix = target.namespace ? `${target.namespace}/` : '';
  if (exact === undefined && !token && !selection && options.limit === 0) {
    const snapshot = cache.snapshot(prefix);
    return { items: snapshot.items, snapshot, revision, continueToken: '', remaining: undefined };
  }
  const from = token ? prefix + token.start : prefix;
  const source = exact === undefined ? cache.range(prefix, from) : cache.rangeAt(exact, prefix, from);
  if (!source) throw token ? expiredToken(token) : expired(expiredListMessage);
  const { limit } = options;
  const isExact = exact !== undefined;
  if (!selection) return cut(source, { cache, limit, revision, prefix, isExact });
  // Others write while the selectors are asked: this is the state of now.
  const all = [...source];
  const served = selection.looksInside ? await target.core.versions.serve(target.kind, all) : all;
  const { items, following } = await select(served, { selection, limit, turn: createTurn(target.core.clock) });
  // With selectors upstream does not tell how many remain.
  return pageOf(items, following, { revision, prefix });
}

/** Which state is to be shown: exactly one, or one at least as new as `atLeast` (undefined: the newest). */
function versionsOf(options: ListOptions, token: ContinueToken | undefined) {
  if (token) return { exact: token.revision > 0 ? token.revision : undefined, atLeast: undefined };
  const { resourceVersion, resourceVersionMatch, limit } = options;
  if (!resourceVersion) return { exact: undefined, atLeast: resourceVersion };
  const isExact = resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && limit > 0);
  return isExact ? { exact: resourceVersion, atLeast: undefined } : { exact: undefined, atLeast: resourceVersion };
}

interface Cut {
  readonly cache: ResourceCache;
  readonly limit: number;
  readonly revision: number;
  readonly prefix: string;
  readonly isExact: boolean;
}

function cut(source: Iterable<Item>, options: Cut): Page {
  const { cache, limit, revision, prefix, isExact } = options;
  if (limit === 0) return pageOf([...source], undefined, options);
  const items: Item[] = [];
  for (const item of source) {
    if (items.length < limit) {
      items.push(item);
      continue;
    }
    const following = item.key;
    const remaining = isExact ? cache.countAt(revision, prefix, following) : cache.count(prefix, following);
    return pageOf(items, following, { ...options, remaining });
  }
  return pageOf(items, undefined, options);
}

/** Those that are asked for, in as many turns as it takes: there may be many objects, and many conditions. */
async function select(
  source: readonly Item[],
  { selection, limit, turn }: { selection: Selection; limit: number; turn: Turn },
): Promise<{ items: Item[]; following: string | undefined }> {
  const items: Item[] = [];
  for (const item of source) {
    if (turn.isOver()) await turn.next();
    if (selection.looksInside && isLargeItem(item)) await item.load(turn);
    if (!selection(item)) continue;
    if (limit > 0 && items.length === limit) return { items, following: item.key };
    items.push(item);
  }
  return { items, following: undefined };
}

/** Without `following` the page is the last one. */
function pageOf(
  items: readonly Item[],
  following: string | undefined,
  { revision, prefix, remaining }: { revision: number; prefix: string; remaining?: number | undefined },
): Page {
  if (following === undefined) return { items, revision, continueToken: '', remaining: undefined };
  // Upstream's tokens name the key after the last one sent.
  const start = `${items.at(-1)!.key.slice(prefix.length)}\0`;
  return { items, revision, continueToken: formatContinueToken({ revision, start }), remaining };
}

const expiredTokenMessage =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, ' +
  'or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an ' +
  'inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

const expiredListMessage = 'The resourceVersion for the provided list is too old.';

/** The state of the first page is forgotten: the client may start anew, or go on with what there is now. */
function expiredToken(token: ContinueToken) {
  const error = expired(expiredTokenMessage);
  Object.assign(error.status.metadata, { continue: formatContinueToken({ revision: -1, start: token.start }) });
  return error;
}
