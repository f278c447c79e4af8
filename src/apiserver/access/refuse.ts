import type { UnknownObject } from '#api';
import type { Attributes } from '../access.ts';

/** One entry of a Status' details.causes. */
export interface Cause {
  reason: string;
  message?: string;
  field?: string;
}

/** What a refusal is about: group and plural name, as in the URL. */
export interface RefusedResource {
  readonly group: string;
  readonly resource: string;
}

/** What a refusal says; the rest of the Status envelope may be given and is always the same. */
export interface StatusFields {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: Record<string, unknown> | undefined;
  readonly [envelope: string]: unknown;
}

/** A refusal as the API words it: `status` is the whole Status object, ready to be sent. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: UnknownObject & { code: number; reason: string; message: string };
  constructor(fields: StatusFields) {
    super(fields.message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {} as UnknownObject['metadata'],
      status: 'Failure',
      message: fields.message,
      reason: fields.reason,
      ...(fields.details ? { details: fields.details } : {}),
      code: fields.code,
    };
  }
}

/** 401: credentials that are missing or wrong. Upstream never says what was wrong with them. */
export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

/** 400. */
export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message });
}

/** 503. */
export function serviceUnavailable(message: string): StatusError {
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message });
}

/** 500 with upstream's leading words. */
export function internalError(message: string): StatusError {
  return new StatusError({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
}

/** 403: `pods "x" is forbidden: why`; without a name `pods is forbidden: why`; without a resource `forbidden: why`. */
export function forbidden(
  about: RefusedResource,
  name: string,
  why: string,
  causes: readonly Cause[] = [],
): StatusError {
  const what = qualified(about);
  const subject = what && name ? `${what} "${name}" is ` : what ? `${what} is ` : '';
  return new StatusError({
    code: 403,
    reason: 'Forbidden',
    message: `${subject}forbidden: ${why}`,
    details: details(about, name, causes),
  });
}

/** 404: `pods "x" not found`. */
export function notFound(about: RefusedResource, name: string): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(about)} "${name}" not found`,
    details: details(about, name, []),
  });
}

/** 409 about an object that changed, or changes too often, to go on. */
export function conflict(about: RefusedResource, name: string, why: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(about)} "${name}": ${why}`,
    details: details(about, name, []),
  });
}

/** 422: `Service "x" is invalid: field: message`; several in brackets, as upstream. `group` and `kind` as in details. */
export function invalid(about: { group: string; kind: string }, name: string, errors: readonly Cause[]): StatusError {
  const texts = errors.map(error => (error.field ? `${error.field}: ${error.message}` : error.message));
  const kind = about.group ? `${about.kind}.${about.group}` : about.kind;
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} "${name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details: {
      ...(name ? { name } : {}),
      ...(about.group ? { group: about.group } : {}),
      kind: about.kind,
      causes: errors.map(({ reason, message, field }) => ({ reason, message, ...(field ? { field } : {}) })),
    },
  });
}

/** The 403 of a request that no authorizer allowed; `reason` is what the authorizers said, often empty. */
export function forbiddenStatus(attributes: Attributes, reason: string): StatusError {
  const who = `User ${quote(attributes.user.name)} cannot ${attributes.verb}`;
  const why = `${who} ${describeTarget(attributes)}${reason ? `: ${reason}` : ''}`;
  const about = { group: attributes.group ?? '', resource: attributes.resource ?? '' };
  return forbidden(about, attributes.name ?? '', why);
}

function describeTarget(attributes: Attributes): string {
  if (attributes.resource === undefined) return `path ${quote(attributes.path ?? '')}`;
  const resource = attributes.subresource ? `${attributes.resource}/${attributes.subresource}` : attributes.resource;
  const where = attributes.namespace ? `in the namespace ${quote(attributes.namespace)}` : 'at the cluster scope';
  return `resource ${quote(resource)} in API group ${quote(attributes.group ?? '')} ${where}`;
}

/** Text in double quotes with escapes, as Go's %q. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** `["a" "b"]`, as Go's %q of a list. */
export function quoteList(texts: readonly string[]): string {
  return `[${texts.map(quote).join(' ')}]`;
}

function qualified(about: RefusedResource): string {
  return about.group ? `${about.resource}.${about.group}` : about.resource;
}

function details(about: RefusedResource, name: string, causes: readonly Cause[]): Record<string, unknown> {
  return {
    ...(name ? { name } : {}),
    ...(about.group ? { group: about.group } : {}),
    ...(about.resource ? { kind: about.resource } : {}),
    ...(causes.length > 0 ? { causes } : {}),
  };
}
