import type { Clock, Meter } from '#base';
import type { Response, Sink } from '#wire';
import { deprecationOf } from '../deprecations.ts';
import type { Exchange, Stage } from '../exchange.ts';
import { isLongRunning } from './limit.ts';
import { Family, type FamilySpec, type Series } from './series.ts';

/** Upstream's buckets. */
const durations = [
  ...[0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
];
const sizes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const target = ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'];
const plainTarget = target.filter(label => label !== 'dry_run');

const specs = {
  total: {
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
    type: 'counter',
    labels: [...target, 'code'],
  },
  duration: {
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
    type: 'histogram',
    labels: target,
    buckets: durations,
  },
  sli: {
    name: 'apiserver_request_sli_duration_seconds',
    help: 'Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.',
    type: 'histogram',
    labels: plainTarget,
    buckets: durations.slice(2),
  },
  size: {
    name: 'apiserver_response_sizes',
    help: 'Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
    type: 'histogram',
    labels: plainTarget,
    buckets: sizes,
  },
  open: {
    name: 'apiserver_longrunning_requests',
    help: 'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.',
    type: 'gauge',
    labels: plainTarget,
  },
  deprecated: {
    name: 'apiserver_requested_deprecated_apis',
    help: 'Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and removed_release.',
    type: 'gauge',
    labels: ['group', 'version', 'resource', 'subresource', 'removed_release'],
  },
} as const satisfies Record<string, FamilySpec>;

type Families = Record<keyof typeof specs, Family>;

/** The series of one kind of request; looked up by one text. */
interface Requests {
  readonly duration: Series;
  readonly sli: Series;
  readonly size: Series;
  readonly open: Series;
  readonly byCode: Map<number, Series>;
  readonly labels: readonly string[];
}

/** Outermost: counts and times every request under upstream's metric names, and adds the headers that stages have set. */
export function createObserve(meter: Meter, clock: Clock): Stage {
  const families = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, new Family(spec)]),
  ) as Families;
  meter.expose(() =>
    Object.values(families)
      .map(family => family.text())
      .join(''),
  );
  const known = new Map<string, Requests>();
  return async (exchange, next) => {
    const startMs = clock.monotonicMs();
    const response = await next(exchange);
    if (exchange.responseHeaders) response.headers = { ...response.headers, ...exchange.responseHeaders };
    const requests = requestsOf(exchange, known, families);
    countCode(requests, response.status, families);
    if (isLongRunning(exchange)) return countOpen(response, requests.open);
    const seconds = (clock.monotonicMs() - startMs) / 1000;
    requests.duration.observe(seconds);
    requests.sli.observe(Math.max(0, seconds - (exchange.waitedMs ?? 0) / 1000));
    requests.size.observe(sizeOf(response));
    return response;
  };
}

function requestsOf(exchange: Exchange, known: Map<string, Requests>, families: Families): Requests {
  const { info, isServed } = exchange;
  const verb = info.isResource ? verbLabel(info.verb) : knownMethod(info.verb);
  const dryRun = isServed && info.query.has('dryRun') ? 'All' : '';
  const { group, version, resource, subresource } = isServed ? info : unknownTarget;
  const part = info.isResource || !isServed ? subresource : info.path;
  const key = `${verb} ${dryRun} ${group} ${version} ${resource} ${part} ${scopeOf(info)}`;
  let requests = known.get(key);
  if (!requests) {
    const plain = [verb, group, version, resource, part, scopeOf(info), 'apiserver'];
    const labels = [verb, dryRun, ...plain.slice(1)];
    requests = {
      ...{ labels, byCode: new Map(), duration: families.duration.of(...labels), sli: families.sli.of(...plain) },
      ...{ size: families.size.of(...plain), open: families.open.of(...plain) },
    };
    known.set(key, requests);
    if (isServed && deprecationOf(info)) {
      families.deprecated.of(group, version, resource, subresource, '').value = 1;
    }
  }
  return requests;
}

function countCode({ byCode, labels }: Requests, code: number, families: Families): void {
  let total = byCode.get(code);
  if (!total) {
    total = families.total.of(...labels, String(code));
    byCode.set(code, total);
  }
  total.add();
}

function sizeOf({ body }: Response): number {
  if (body === undefined || typeof body === 'function') return 0;
  if (body instanceof Uint8Array) return body.length;
  let bytes = 0;
  for (const part of body as readonly Uint8Array[]) bytes += part.length;
  return bytes;
}

/** Counted from the head of the answer to the end of the stream. */
function countOpen(response: Response, open: Series): Response {
  const { body, upgrade } = response;
  const end = () => open.add(-1);
  if (upgrade) {
    return {
      ...response,
      upgrade(socket, head) {
        open.add();
        socket.once('close', end);
        upgrade(socket, head);
      },
    };
  }
  if (typeof body !== 'function') return response;
  const counted = (sink: Sink) => {
    open.add();
    return body(sink).finally(end);
  };
  return { ...response, body: counted };
}

/** What is not served is counted without its name. */
const unknownTarget = { group: '', version: '', resource: '', subresource: '' };

function knownMethod(method: string): string {
  return ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'].includes(method) ? method.toUpperCase() : 'OTHER';
}

const verbLabels: Readonly<Record<string, string>> = {
  create: 'POST',
  update: 'PUT',
  deletecollection: 'DELETECOLLECTION',
};

const knownVerbs = new Set(['get', 'list', 'watch', 'patch', 'delete']);

function verbLabel(verb: string): string {
  return verbLabels[verb] ?? (knownVerbs.has(verb) ? verb.toUpperCase() : 'OTHER');
}

function scopeOf(info: Exchange['info']): string {
  if (!info.isResource) return '';
  if (info.name) return 'resource';
  return info.namespace ? 'namespace' : 'cluster';
}
