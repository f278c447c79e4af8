import type { Clock, Random } from '#base';
import { deriveRequest } from '../derive-request.ts';
import type { Exchange, Stage } from '../exchange.ts';
import type { Span, Tracer } from '../tracing/tracer.ts';

const parentMark = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;

/** Outermost: one span for each request that is sampled, and its id in the `traceparent` header that goes on to webhooks and other servers (W3C Trace Context). */
export function createTrace(tracer: Tracer, { clock, random }: { clock: Clock; random: Random }): Stage {
  return async (exchange, next) => {
    const { request } = exchange;
    const [, traceId, parentId, flags] = parentMark.exec(request.headers['traceparent'] ?? '') ?? [];
    const isSampled = flags === undefined ? tracer.sample(random.next()) : (Number.parseInt(flags, 16) & 1) === 1;
    const id = Buffer.from(random.bytes(8)).toString('hex');
    const trace = traceId ?? Buffer.from(random.bytes(16)).toString('hex');
    const traceparent = `00-${trace}-${id}-${isSampled ? '01' : '00'}`;
    exchange.request = deriveRequest(request, { headers: { ...request.headers, traceparent } });
    if (!isSampled) return next(exchange);
    const startMs = clock.now();
    const response = await next(exchange);
    tracer.record(describe(exchange, { trace, id, parentId, startMs, endMs: clock.now(), status: response.status }));
    return response;
  };
}

interface Facts {
  readonly trace: string;
  readonly id: string;
  readonly parentId: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly status: number;
}

function describe({ request, info, user, responseHeaders }: Exchange, facts: Facts): Span {
  const { trace, id, parentId, startMs, endMs, status } = facts;
  return {
    traceId: trace,
    spanId: id,
    parentSpanId: parentId,
    name: 'KubernetesAPI',
    startMs,
    endMs,
    isError: status >= 500,
    attributes: {
      'http.request.method': request.method,
      'url.path': request.path,
      'http.response.status_code': status,
      'audit-id': responseHeaders?.['audit-id'] ?? '',
      'user_agent.original': request.headers['user-agent'] ?? '',
      'k8s.verb': info.verb,
      'k8s.resource': info.resource,
      'k8s.user.is_authenticated': !user.groups.includes('system:unauthenticated'),
    },
  };
}
