import type { Clock, Meter } from '#base';
import type { Response, Sink } from '#wire';
import type { Exchange, Next, Stage } from '../exchange.ts';
import type { Fairness, FairRequest } from '../fairness/fairness.ts';
import type { Ticket } from '../fairness/queue-set.ts';
import { Family } from './series.ts';

/** Upstream's defaults of --max-requests-inflight and --max-mutating-requests-inflight. */
export const defaultInFlight = { reading: 400, mutating: 200 };

const mutatingVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
const longSubresources = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

/** Watches and streams stay open for long and are not counted. */
export function isLongRunning({ info }: Exchange): boolean {
  return info.verb === 'watch' || longSubresources.has(info.subresource);
}

interface Kinds {
  readOnly: number;
  mutating: number;
}

/**
 * Lets requests run in the order that API Priority and Fairness gives them; 429 for those that cannot be queued. Streams pass; a watch takes part until its
 * first events are on their way.
 */
export function createLimit(fairness: Fairness, { meter, clock }: { meter: Meter; clock: Clock }): Stage {
  const running: Kinds = { readOnly: 0, mutating: 0 };
  const waiting: Kinds = { readOnly: 0, mutating: 0 };
  exposeCounts(meter, running, waiting);
  return (exchange, next) => {
    const isWatch = exchange.info.verb === 'watch';
    if (isLongRunning(exchange) && !isWatch) return next(exchange);
    const kind = mutatingVerbs.has(exchange.info.verb) ? 'mutating' : 'readOnly';
    const { user, info, request } = exchange;
    const flow = fairness.classify(user, info);
    exchange.responseHeaders = { ...exchange.responseHeaders, ...flow.headers };
    const asked: FairRequest = {
      ...{ user, info, signal: () => request.signal },
      ...{ isPatient: request.peer.address === 'in-process', isWrite: kind === 'mutating' },
    };
    const answer = fairness.start(flow, asked);
    const go = (ticket: Ticket) =>
      isWatch ? runWatch(exchange, next, ticket) : run({ exchange, next, ticket, running, kind });
    if (!(answer instanceof Promise)) return typeof answer === 'string' ? Promise.resolve(refusal()) : go(answer);
    waiting[kind]++;
    const sinceMs = clock.monotonicMs();
    return answer.then(outcome => {
      waiting[kind]--;
      exchange.waitedMs = clock.monotonicMs() - sinceMs;
      return typeof outcome === 'string' ? refusal() : go(outcome);
    });
  };
}

async function run(about: {
  exchange: Exchange;
  next: Next;
  ticket: Ticket;
  running: Kinds;
  kind: keyof Kinds;
}): Promise<Response> {
  const { exchange, next, ticket, running, kind } = about;
  running[kind]++;
  exchange.delegated = () => ticket.release();
  try {
    return await next(exchange);
  } finally {
    running[kind]--;
    ticket.release();
  }
}

/** The seat is held until the watch has written what it begins with, as far as its client takes it at once. */
async function runWatch(exchange: Exchange, next: Next, ticket: Ticket): Promise<Response> {
  const { signal } = exchange.request;
  let response: Response;
  try {
    response = await next(exchange);
  } catch (error) {
    ticket.release();
    throw error;
  }
  const { body } = response;
  if (typeof body !== 'function' || signal.aborted) {
    ticket.release();
    return response;
  }
  const release = () => ticket.release();
  // A client that leaves before the body is asked for.
  signal.addEventListener('abort', release, { once: true });
  const started = (sink: Sink) => {
    signal.removeEventListener('abort', release);
    setImmediate(release);
    return body(sink);
  };
  return { ...response, body: started };
}

function exposeCounts(meter: Meter, running: Kinds, waiting: Kinds): void {
  const labels = ['request_kind'];
  const inFlight = new Family({
    name: 'apiserver_current_inflight_requests',
    help: 'Number of requests being worked on, by kind, without watches and streams.',
    type: 'gauge',
    labels,
  });
  const inQueue = new Family({
    name: 'apiserver_current_inqueue_requests',
    help: 'Number of requests waiting in queues, by kind.',
    type: 'gauge',
    labels,
  });
  meter.expose(() => {
    for (const kind of ['readOnly', 'mutating'] as const) {
      inFlight.of(kind).value = running[kind];
      inQueue.of(kind).value = waiting[kind];
    }
    return inFlight.text() + inQueue.text();
  });
}

/** Upstream answers this one in plain text. */
function refusal(): Response {
  return {
    status: 429,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'retry-after': '1',
    },
    body: Buffer.from('Too many requests, please try again later.\n'),
  };
}
