import type { GaugeMeter } from '#base';
import type { Response } from '#wire';
import type { Exchange, Stage } from '../exchange.ts';

/** Upstream's defaults of --max-requests-inflight and --max-mutating-requests-inflight. */
export const defaultInFlight = { reading: 400, mutating: 200 };

const mutatingVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
const longSubresources = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);
const exemptGroup = 'system:masters';

/** Watches and streams stay open for long and are not counted. */
export function isLongRunning({ info }: Exchange): boolean {
  return info.verb === 'watch' || longSubresources.has(info.subresource);
}

/** Refuses requests (429) while too many are being worked on. Administrators are never refused, so that a flooded server can be mended. */
export function createLimit(limits: { reading: number; mutating: number }, inFlight: GaugeMeter): Stage {
  const counts = { readOnly: 0, mutating: 0 };
  return async (exchange, next) => {
    if (isLongRunning(exchange) || exchange.user.groups.includes(exemptGroup)) return next(exchange);
    const kind = mutatingVerbs.has(exchange.info.verb) ? 'mutating' : 'readOnly';
    if (counts[kind] >= (kind === 'mutating' ? limits.mutating : limits.reading)) return refusal();
    counts[kind]++;
    inFlight.set(counts[kind], { request_kind: kind });
    try {
      return await next(exchange);
    } finally {
      counts[kind]--;
      inFlight.set(counts[kind], { request_kind: kind });
    }
  };
}

/** Upstream answers this one in plain text. */
function refusal(): Response {
  return {
    status: 429,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' },
    body: Buffer.from('Too many requests, please try again later.\n'),
  };
}
