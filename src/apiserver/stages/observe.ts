import type { Clock, Meter } from '#base';
import type { Exchange, Stage } from '../exchange.ts';
import { isLongRunning } from './limit.ts';

/** Upstream's buckets. */
const buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

/** Counts and times every request under upstream's metric names. */
export function createObserve(meter: Meter, clock: Clock): Stage {
  const total = meter.counter({
    name: 'apiserver_request_total',
    help: 'Requests answered, by verb, resource, scope and HTTP status code.',
    labels: ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'code'],
  });
  const duration = meter.histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time from a request to its answer, without watches and streams.',
    labels: ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component'],
    buckets,
  });
  return async (exchange, next) => {
    const startMs = clock.monotonicMs();
    const response = await next(exchange);
    if (exchange.responseHeaders) response.headers = { ...response.headers, ...exchange.responseHeaders };
    const labels = labelsOf(exchange);
    total.add({ ...labels, code: String(response.status) });
    if (!isLongRunning(exchange)) duration.observe((clock.monotonicMs() - startMs) / 1000, labels);
    return response;
  };
}

function labelsOf({ info, isServed }: Exchange) {
  const { group, version, resource, subresource } = isServed ? info : unknownTarget;
  return {
    verb: info.isResource ? verbLabel(info.verb) : knownMethod(info.verb),
    dry_run: isServed && info.query.has('dryRun') ? 'All' : '',
    group,
    version,
    resource,
    subresource: info.isResource || !isServed ? subresource : info.path,
    scope: scopeOf(info),
    component: 'apiserver',
  };
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
