import type { Clock, Log, Meter, Random } from '#base';
import type { ProtobufCodec, Request, Response, Sink } from '#wire';
import { deriveRequest } from '../derive-request.ts';
import type { Exchange, Stage } from '../exchange.ts';
import { isLongRunning } from '../stages/limit.ts';
import { type AuditRecord, createEvent, type StageFacts } from './event.ts';
import { readObject, wholeBody, withoutManagedFields } from './objects.ts';
import { type AuditLevel, type AuditPolicy, isAtLeast } from './policy.ts';
import type { AuditSink } from './sink.ts';

/** Longer ones are not a client's id. Upstream's bound. */
const maxIdLength = 64;

export interface AuditOptions {
  /** Undefined: nothing is written. */
  readonly policy: AuditPolicy | undefined;
  readonly sinks: readonly AuditSink[];
  readonly protobuf: ProtobufCodec;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}

/** The two places where requests are seen. */
export interface Audit {
  /** Outside of everything that may refuse: gives the request its id, and writes what became of it. */
  readonly around: Stage;
  /** Right after authentication: decides what is written, and writes that the request came. */
  readonly received: Stage;
}

/** Writes audit events as the policy says (audit.k8s.io/v1). Never holds a request up: sinks take events at once or drop and count them. */
export function createAudit(options: AuditOptions): Audit {
  const { policy, clock, random } = options;
  const writer = policy && createWriter(options, policy);
  return {
    around(exchange, next) {
      const id = exchange.request.headers['audit-id'] ?? '';
      const auditId = id !== '' && id.length <= maxIdLength && /^[\x21-\x7e]+$/.test(id) ? id : random.uuid();
      exchange.responseHeaders = { ...exchange.responseHeaders, 'audit-id': auditId };
      if (!writer) return next(exchange);
      exchange.auditId = auditId;
      const receivedMs = clock.now();
      const { request } = exchange;
      return next(exchange).then(response => writer.answered(exchange, response, { receivedMs, request }));
    },
    received(exchange, next) {
      writer?.received(exchange);
      return next(exchange);
    },
  };
}

function createWriter({ sinks, protobuf, clock, meter }: AuditOptions, policy: AuditPolicy) {
  const records = new WeakMap<Exchange, AuditRecord>();
  const levels = meter.counter({
    name: 'apiserver_audit_level_total',
    help: 'Counter of policy levels for audit events (1 per request).',
    labels: ['level'],
  });
  const events = meter.counter({
    name: 'apiserver_audit_event_total',
    help: 'Counter of audit events generated and sent to the audit backend.',
  });
  const write = (exchange: Exchange, record: AuditRecord, facts: Omit<StageFacts, 'nowMs'>) => {
    const { level, omitStages, omitManagedFields } = record.decision;
    if (level === 'None' || omitStages.includes(facts.stage)) return;
    const trim = omitManagedFields ? withoutManagedFields : (object: unknown) => object;
    const requestObject = objectOfRequest(record, exchange, protobuf);
    const isShown = isAtLeast(level, 'Request') && requestObject !== undefined;
    const more = isShown ? { requestObject: trim(requestObject) } : {};
    const shown = facts.responseObject === undefined ? {} : { responseObject: trim(facts.responseObject) };
    const named = exchange.info.verb === 'patch' ? undefined : requestObject;
    const event = createEvent(record, exchange, { ...facts, ...more, ...shown, nowMs: clock.now() }, named);
    events.add();
    for (const sink of sinks) sink.accept(event);
  };
  const begin = (exchange: Exchange, receivedMs: number, request: Request): AuditRecord => {
    const { user, info } = exchange;
    const decision = policy(user, info);
    levels.add({ level: decision.level });
    const record: AuditRecord = { id: exchange.auditId!, receivedMs, request, decision, user, annotations: {} };
    records.set(exchange, record);
    return record;
  };
  return {
    received(exchange: Exchange) {
      const record = begin(exchange, clock.now(), exchange.request);
      if (record.decision.level === 'None') return;
      exchange.annotate = (key, value, least) => annotate(record, { key, value, least });
      exchange.request = keepBody(exchange.request, record);
      write(exchange, record, { stage: 'RequestReceived' });
    },
    answered(exchange: Exchange, response: Response, came: { receivedMs: number; request: Request }): Response {
      const known = records.get(exchange);
      // Refused before it was known who asks: upstream writes one event about that.
      const record = known ?? begin(exchange, came.receivedMs, came.request);
      if (record.decision.level === 'None') return response;
      const facts = factsOf(response, record.decision.level, protobuf);
      if (!known) write(exchange, record, { stage: 'ResponseStarted', ...facts });
      else if (exchange.isPanic) write(exchange, record, { stage: 'Panic', ...facts });
      else if (isStream(exchange, response)) {
        write(exchange, record, { stage: 'ResponseStarted', ...facts });
        return withEnd(response, () => write(exchange, record, { stage: 'ResponseComplete', ...facts }));
      } else write(exchange, record, { stage: 'ResponseComplete', ...facts });
      return response;
    },
  };
}

function annotate(
  { annotations, decision }: AuditRecord,
  note: { key: string; value: string; least: AuditLevel | undefined },
): void {
  // As upstream: what was said first stays.
  if (note.key in annotations || !isAtLeast(decision.level, note.least ?? 'Metadata')) return;
  annotations[note.key] = note.value;
}

/** Whoever reads the body leaves it here too. */
function keepBody(request: Request, record: AuditRecord): Request {
  const body = async (limitBytes: number) => {
    const bytes = await request.body(limitBytes);
    record.body = bytes;
    return bytes;
  };
  return deriveRequest(request, { body });
}

const namedVerbs = new Set(['create', 'update']);

function objectOfRequest({ body, request, decision }: AuditRecord, { info }: Exchange, codec: ProtobufCodec): unknown {
  if (!isAtLeast(decision.level, 'Request') && !namedVerbs.has(info.verb)) return undefined;
  return readObject(body, request.headers['content-type'] ?? '', codec);
}

function factsOf(response: Response, level: AuditLevel, codec: ProtobufCodec) {
  const isWanted = isAtLeast(level, 'RequestResponse') || response.status >= 400;
  const bytes = isWanted ? wholeBody(response) : undefined;
  const object =
    (isWanted ? response.value : undefined) ?? readObject(bytes, response.headers['content-type'] ?? '', codec);
  const { kind, status, message, reason, details } = (object ?? {}) as Record<string, unknown>;
  const said = kind === 'Status' ? { status, message: message || undefined, reason, details } : {};
  return {
    responseStatus: { metadata: {}, ...said, code: response.status },
    ...(isAtLeast(level, 'RequestResponse') && object !== undefined ? { responseObject: object } : {}),
  };
}

function isStream(exchange: Exchange, { body, upgrade }: Response): boolean {
  return upgrade !== undefined || (typeof body === 'function' && isLongRunning(exchange));
}

function withEnd(response: Response, end: () => void): Response {
  const { body, upgrade } = response;
  if (upgrade) {
    return {
      ...response,
      upgrade(socket, head) {
        socket.once('close', end);
        upgrade(socket, head);
      },
    };
  }
  return { ...response, body: (sink: Sink) => (body as (sink: Sink) => Promise<void>)(sink).finally(end) };
}
