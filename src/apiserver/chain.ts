import type { Clock, Log, Meter, Random } from '#base';
import type { Handler, ProtobufCodec } from '#wire';
import type { Authenticator, Authorizer } from './access.ts';
import type { Audit } from './audit/index.ts';
import type { Exchange, Next, Stage } from './exchange.ts';
import type { Fairness } from './fairness/index.ts';
import { parseRequestInfo } from './request-info.ts';
import { createAuthenticate } from './stages/authenticate.ts';
import { createAuthorize } from './stages/authorize.ts';
import { countAuthentication, countAuthorization } from './stages/count-access.ts';
import type { Impersonator } from './stages/impersonate.ts';
import { createImpersonate } from './stages/impersonate.ts';
import { createLimit } from './stages/limit.ts';
import { createObserve } from './stages/observe.ts';
import { createRecover, toResponse } from './stages/recover.ts';
import { createTrace } from './stages/trace.ts';
import { createWarn } from './stages/warn.ts';
import type { Tracer } from './tracing/index.ts';
import { anonymous } from './user.ts';

export interface ChainParts {
  readonly authenticate: Authenticator;
  readonly authorize: Authorizer;
  readonly impersonate: Impersonator;
  readonly audit: Audit;
  readonly fairness: Fairness;
  /** The last stage: finds who answers. */
  readonly route: Next;
  readonly tracer: Tracer | undefined;
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** For refusals to clients that speak it. */
  readonly protobuf: ProtobufCodec;
}

/** The way of every request, outermost stage first. Order is the meaning: nothing is counted against a limit before it is known who asks. */
function stagesOf(parts: ChainParts): readonly Stage[] {
  return [
    ...(parts.tracer ? [createTrace(parts.tracer, parts)] : []),
    createObserve(parts.meter, parts.clock),
    parts.audit.around,
    createWarn(),
    createRecover(parts.log, parts.protobuf),
    createAuthenticate(countAuthentication(parts.authenticate, parts.meter)),
    parts.audit.received,
    createImpersonate(parts.impersonate, parts.authorize),
    createLimit(parts.fairness, parts),
    createAuthorize(countAuthorization(parts.authorize, parts.meter)),
  ];
}

/** The chain as one function from request to answer; it never rejects. */
export function createChain(parts: ChainParts): Handler {
  const run = stagesOf(parts).reduceRight<Next>((next, stage) => exchange => stage(exchange, next), parts.route);
  return async request => {
    let exchange: Exchange;
    try {
      const info = parseRequestInfo(request.method, request.path, request.search);
      exchange = {
        ...{ request, info, user: anonymous, warnings: [], isServed: false },
        ...{ responseHeaders: undefined, auditId: undefined, annotate: undefined, isPanic: undefined },
      };
    } catch (error) {
      return toResponse(error, { log: parts.log, path: request.path });
    }
    return run(exchange);
  };
}
