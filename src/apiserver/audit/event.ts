import { formatMicroTime } from '#base';
import type { Request } from '#wire';
import type { Exchange } from '../exchange.ts';
import type { User } from '../user.ts';
import type { AuditDecision, AuditLevel, AuditStage } from './policy.ts';

/** An event of audit.k8s.io/v1, with its members in upstream's order. */
export interface AuditEvent {
  kind: 'Event';
  apiVersion: 'audit.k8s.io/v1';
  level: AuditLevel;
  auditID: string;
  stage: AuditStage;
  requestURI: string;
  verb: string;
  user: object;
  impersonatedUser?: object | undefined;
  sourceIPs: readonly string[];
  userAgent?: string | undefined;
  objectRef?: Record<string, string> | undefined;
  responseStatus?: object | undefined;
  requestObject?: unknown;
  responseObject?: unknown;
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  annotations?: Record<string, string> | undefined;
}

/** What is known about one request that is being written about. */
export interface AuditRecord {
  readonly id: string;
  readonly receivedMs: number;
  readonly request: Request;
  readonly decision: AuditDecision;
  /** Before impersonation. */
  readonly user: User;
  readonly annotations: Record<string, string>;
  /** The bytes of the body, once somebody has read them. */
  body?: Uint8Array | undefined;
}

/** What a stage adds. */
export interface StageFacts {
  readonly stage: AuditStage;
  readonly nowMs: number;
  readonly responseStatus?: object | undefined;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
}

/** The event of one stage. `named` is the body of a create or update, from which the reference takes what the URL does not say. */
export function createEvent(record: AuditRecord, exchange: Exchange, facts: StageFacts, named?: unknown): AuditEvent {
  const { request, decision, user, annotations } = record;
  const isImpersonated = exchange.user !== user;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: decision.level,
    auditID: record.id,
    stage: facts.stage,
    requestURI: request.search ? `${request.path}?${request.search}` : request.path,
    verb: exchange.info.verb,
    user: describeUser(user),
    ...(isImpersonated ? { impersonatedUser: describeUser(exchange.user) } : {}),
    sourceIPs: sourceAddresses(request),
    userAgent: request.headers['user-agent'],
    objectRef: exchange.info.isResource ? referenceOf(exchange, named) : undefined,
    responseStatus: facts.responseStatus,
    requestObject: facts.requestObject,
    responseObject: facts.responseObject,
    requestReceivedTimestamp: formatMicroTime(record.receivedMs),
    stageTimestamp: formatMicroTime(facts.nowMs),
    annotations: Object.keys(annotations).length > 0 ? { ...annotations } : undefined,
  };
}

function describeUser({ name, uid, groups, extra }: User): object {
  return {
    username: name,
    uid: uid || undefined,
    groups: groups.length > 0 ? groups : undefined,
    extra: extra && Object.keys(extra).length > 0 ? extra : undefined,
  };
}

function referenceOf({ info }: Exchange, named: unknown): Record<string, string> {
  const {
    name = '',
    namespace = '',
    uid = '',
    resourceVersion = '',
  } = (named as { metadata?: Record<string, string> } | undefined)?.metadata ?? {};
  const all = {
    resource: info.resource,
    namespace: info.namespace || namespace,
    name: info.name || name,
    uid,
    apiGroup: info.group,
    apiVersion: info.version,
    resourceVersion,
    subresource: info.subresource,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

/** As upstream: what proxies say in X-Forwarded-For and X-Real-Ip, and who really connected. */
function sourceAddresses({ headers, peer }: Request): readonly string[] {
  const forwarded = (headers['x-forwarded-for'] ?? '').split(',').map(part => part.trim());
  const addresses = forwarded.filter(isAddress);
  const real = headers['x-real-ip']?.trim() ?? '';
  if (isAddress(real) && !addresses.includes(real)) addresses.push(real);
  const remote = peer.address === 'in-process' ? '127.0.0.1' : peer.address.replace(/^::ffff:/, '');
  if (addresses.at(-1) !== remote) addresses.push(remote);
  return addresses;
}

function isAddress(text: string): boolean {
  return /^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$/.test(text);
}
