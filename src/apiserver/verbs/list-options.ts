import type { FieldError } from '#api';
import { badRequest, invalidOptions } from '../errors.ts';
import { isTrue } from '../request-info.ts';

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
  const options: ListOptions = {
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    resourceVersion: parseRevision(text('resourceVersion')),
    resourceVersionMatch: match as ListOptions['resourceVersionMatch'],
    limit: parseInteger(text('limit')) ?? 0,
    continueToken: text('continue'),
    allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined,
    timeoutSeconds: parseInteger(text('timeoutSeconds')),
  };
  const errors = isWatch ? watchErrors(options, match) : listErrors(options, match);
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
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

function listErrors(options: ListOptions, match: string): FieldError[] {
  const errors: FieldError[] = [];
  if (match) {
    const field = 'resourceVersionMatch';
    if (options.resourceVersion === undefined) {
      errors.push(forbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (options.continueToken) {
      errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(unknownMatch(match, ['Exact', 'NotOlderThan']));
    }
    if (match === 'Exact' && options.resourceVersion === 0) {
      errors.push(forbidden(field, 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchErrors(options: ListOptions, match: string): FieldError[] {
  const errors: FieldError[] = [];
  if (options.sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      const why = `sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`;
      errors.push(forbidden('resourceVersionMatch', why));
    }
  } else if (match) {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    errors.push(forbidden('resourceVersionMatch', why));
  }
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
