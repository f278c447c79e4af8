import type { FieldError } from '#api';
import { isTrue } from '#wire';
import { badRequest, invalidOptions } from '../errors.ts';

/** Query parameters of list, watch and deletecollection, as upstream's ListOptions. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** Undefined: not given. */
  readonly resourceVersion: number | undefined;
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan';
  readonly limit: number;
  readonly continueToken: string;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

/** Throws 400 for what is no number, 422 for combinations that make no sense. */
export function parseListOptions(query: URLSearchParams, isWatch: boolean): ListOptions {
  const text = (name: string) => query.get(name) ?? '';
  const match = text('resourceVersionMatch');
  const sent: SentOptions = {
    match,
    resourceVersion: text('resourceVersion'),
    continueToken: text('continue'),
    sendsInitialEvents: query.has('sendInitialEvents'),
  };
  const errors = isWatch ? watchErrors(sent) : listErrors(sent);
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
  const options: ListOptions = {
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    resourceVersion: parseRevision(sent.resourceVersion),
    resourceVersionMatch: match as ListOptions['resourceVersionMatch'],
    limit: parseInteger(text('limit')) ?? 0,
    continueToken: text('continue'),
    allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined,
    timeoutSeconds: parseInteger(text('timeoutSeconds')),
  };
  if (options.continueToken && options.resourceVersion && !isWatch) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return options;
}

const forbidden = (field: string, why: string): FieldError => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`,
});

function unknownMatch(match: string, allowed: readonly string[]): FieldError {
  const values = allowed.map(value => `"${value}"`).join(', ');
  const message = `Unsupported value: "${match}": supported values: ${values}`;
  return { reason: 'FieldValueNotSupported', field: 'resourceVersionMatch', message };
}

/** As they stand in the query: what goes together is looked at before what is a number. */
interface SentOptions {
  readonly match: string;
  readonly resourceVersion: string;
  readonly continueToken: string;
  readonly sendsInitialEvents: boolean;
}

const matchField = 'resourceVersionMatch';
const withContinue = 'resourceVersionMatch is forbidden when continue is provided';

function listErrors({ match, resourceVersion, continueToken, sendsInitialEvents }: SentOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (match) {
    if (!resourceVersion) {
      errors.push(forbidden(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (continueToken) errors.push(forbidden(matchField, withContinue));
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(unknownMatch(match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (sendsInitialEvents) errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return errors;
}

function watchErrors({ match, continueToken, sendsInitialEvents }: SentOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (sendsInitialEvents && match !== 'NotOlderThan') {
    errors.push(forbidden(matchField, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (!match) return errors;
  if (!sendsInitialEvents) {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    errors.push(forbidden(matchField, why));
  }
  if (match !== 'NotOlderThan') errors.push(unknownMatch(match, ['NotOlderThan']));
  if (continueToken) errors.push(forbidden(matchField, withContinue));
  return errors;
}

/** An unsigned integer, or undefined for ''. Throws 400 as upstream's storage layer. */
export function parseRevision(text: string): number | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
  const problem = `Invalid value: "${text}": strconv.ParseUint: parsing "${text}": ${why}`;
  throw badRequest(`invalid resource version: resourceVersion: ${problem}`);
}

function parseInteger(text: string): number | undefined {
  if (text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw badRequest(`strconv.ParseInt: parsing "${text}": value out of range`);
  return value;
}
