import { isWebSocketRequest, type Response } from '#wire';
import { toLineMessages } from '../connect/websocket-reader.ts';
import { noCache } from '../content/answer.ts';
import { createFramer, watchContentType } from '../content/frames.ts';
import { formFor, watchOffer } from '../content/negotiate.ts';
import { statusOf, tooOldResourceVersion } from '../errors.ts';
import type { Item } from '../storage/item.ts';
import type { CacheEvent } from '../watch-cache/event.ts';
import { freshEnough } from './freshness.ts';
import type { ListOptions } from './list-options.ts';
import { parseListOptions } from './list-options.ts';
import { parseSelection } from './selection.ts';
import type { Target } from './target.ts';
import { Watcher } from './watcher.ts';

/** Upstream's --min-request-timeout: watches without timeoutSeconds end after a random time between one and two of these. */
const minTimeoutMs = 1800_000;

/** GET with watch=true: a stream of events. */
export async function watch(target: Target): Promise<Response> {
  const { core, exchange, kind } = target;
  const form = formFor(target, watchOffer);
  const options = parseListOptions(exchange.info.query, true);
  const selection = parseSelection(kind, namedOptions(target, options));
  const timeoutMs = options.timeoutSeconds ? options.timeoutSeconds * 1000 : minTimeoutMs * (1 + core.random.next());
  const { request } = exchange;
  const shares = request.shares === true && form.media === 'json' && form.as !== 'Table';
  const framer = createFramer({ core, kind, form, query: exchange.info.query, shares, owner: exchange.user.name });
  const answer: Response = {
    status: 200,
    headers: { 'cache-control': noCache, 'content-type': watchContentType(form) },
    body: sink => run(new Watcher({ target, sink, selection, framer, options, timeoutMs })),
    isShared: shares,
  };
  // Browsers and some client libraries ask for one. The other forms are not made of lines.
  return form.media === 'json' && isWebSocketRequest(request.headers) ? toLineMessages(request, answer) : answer;
}

/** A name in the path (`/watch/.../name`) is a field selector. */
function namedOptions(target: Target, options: ListOptions): ListOptions {
  if (!target.name || options.fieldSelector) return options;
  return { ...options, fieldSelector: `metadata.name=${target.name}` };
}

async function run(watcher: Watcher): Promise<void> {
  const { core, kind } = watcher.target;
  const { resourceVersion, sendInitialEvents } = watcher.options;
  try {
    for (const atLeast of neededRevisions(watcher.options)) {
      const waiting = freshEnough(core, atLeast);
      if (waiting) await waiting;
    }
  } catch (error) {
    return watcher.fail(statusOf(error));
  }
  const cache = core.cache.of(kind.storagePrefix);
  const isFromState = sendInitialEvents ?? !resourceVersion;
  // From here to the registration nothing else runs, so nothing falls between state, history and future.
  let past: readonly CacheEvent[] = [];
  if (!isFromState && resourceVersion) {
    const known = cache.eventsAfter(resourceVersion);
    if (!known) return watcher.fail(tooOldResourceVersion(resourceVersion, cache.floor).status);
    past = known;
  }
  const initial: readonly Item[] = isFromState ? cache.all(watcher.prefix) : [];
  const after = isFromState ? 0 : (resourceVersion ?? 0);
  return watcher.run({ cache, initial, past, after, revision: Math.max(after, core.cache.revision) });
}

/**
 * Without a resourceVersion the state shown must be the newest; with one, at least that new. A watch of changes alone begins wherever it is told, if only in the
 * future.
 */
function neededRevisions({ resourceVersion, sendInitialEvents }: ListOptions): readonly (number | undefined)[] {
  if (resourceVersion === undefined) return [undefined];
  return sendInitialEvents === true && resourceVersion > 0 ? [resourceVersion] : [];
}
