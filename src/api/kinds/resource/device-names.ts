import type { FieldError } from '../../kind.ts';
import { duplicate, invalid, pushInvalid, required, tooLong, tooMany } from '../field-error.ts';
import { checkLabel, checkQualifiedName, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkDriverName } from '../volumes.ts';
import { maxBindingConditions, maxIdentifier, maxPoolName } from './device-limits.ts';

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
const identifierMessage = `a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')`;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Items of a list that must not repeat themselves, and may not be more than `max`; too many are not looked at one by one. */
export function eachUnique<T>(
  errors: FieldError[],
  path: string,
  rule: { list: readonly T[] | undefined; max?: number; keyOf(item: T): string; check(at: string, item: T): void },
): void {
  const { list = [], max = Infinity, keyOf, check } = rule;
  if (list.length > max) return void errors.push(tooMany(path, list.length, max));
  eachAt(path, list, check);
  const seen = new Set<string>();
  eachAt(path, list, (at, item) => {
    const key = keyOf(item);
    if (seen.has(key)) errors.push(duplicate(at, key));
    seen.add(key);
  });
}

export function checkPoolName(errors: FieldError[], path: string, name: string | undefined): void {
  if (!name) return void errors.push(required(path));
  if (name.length > maxPoolName) errors.push(tooLong(path, maxPoolName));
  for (const part of name.split('/')) pushInvalid(errors, path, part, checkSubdomain(part));
}

/** `model`, `example.com/model`. */
export function checkDeviceKey(errors: FieldError[], path: string, name: string): void {
  const parts = name.split('/');
  const [first = '', second] = parts;
  if (parts.length > 2) errors.push(invalid(path, name, 'must not contain more than one slash'));
  else if (second === undefined) checkIdentifier(errors, path, first);
  else {
    if (first) checkDriverName(errors, path, first);
    else errors.push(invalid(path, '', 'the domain must not be empty'));
    if (second) checkIdentifier(errors, path, second);
    else errors.push(invalid(path, '', 'the name must not be empty'));
  }
}

/** `example.com/model`. */
export function checkFullDeviceKey(errors: FieldError[], path: string, name: string): void {
  checkDeviceKey(errors, path, name);
  if (name.includes('/')) return;
  errors.push(invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash'));
}

function checkIdentifier(errors: FieldError[], path: string, name: string): void {
  if (name.length > maxIdentifier) errors.push(tooLong(path, maxIdentifier));
  if (!identifier.test(name)) errors.push(invalid(path, name, identifierMessage));
}

export function checkShareId(errors: FieldError[], path: string, id: string | undefined): void {
  if (id === undefined || uuid.test(id)) return;
  const form = '`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';
  errors.push(invalid(path, id, `uid must be in RFC 4122 normalized form, ${form}`));
}

/** Conditions that must come true before a pod is bound, and those that make the binding fail: both or none. */
export function checkBindingConditions(
  errors: FieldError[],
  path: string,
  device: { bindingConditions?: string[] | undefined; bindingFailureConditions?: string[] | undefined },
): void {
  const { bindingConditions = [], bindingFailureConditions = [] } = device;
  const check = (at: string, name: string) => pushInvalid(errors, at, name, checkQualifiedName(name));
  const rule = { max: maxBindingConditions, keyOf: (name: string) => name, check };
  const [wanted, failing] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`];
  eachUnique(errors, wanted, { ...rule, list: bindingConditions });
  eachUnique(errors, failing, { ...rule, list: bindingFailureConditions });
  eachAt(failing, bindingFailureConditions, (at, name) => {
    if (!bindingConditions.includes(name)) return;
    errors.push(invalid(at, name, 'bindingFailureConditions must not overlap with bindingConditions'));
  });
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0) {
    errors.push(invalid(wanted, [], 'bindingConditions are required to use bindingFailureConditions'));
  }
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0) {
    errors.push(invalid(failing, [], 'bindingFailureConditions are required to use bindingConditions'));
  }
}

/** Names of requests, each with those of its alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

/** `gpu`, or `gpu/large` for one alternative of a request. */
export function checkRequestReference(errors: FieldError[], path: string, ref: { name: string; names: RequestNames }) {
  const { name, names } = ref;
  const [request = '', alternative, ...more] = name.split('/');
  const detail =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  if (more.length > 0) return void errors.push(invalid(path, name, detail));
  pushInvalid(errors, path, request, checkLabel(request));
  if (alternative !== undefined) pushInvalid(errors, path, alternative, checkLabel(alternative));
  const known = names.get(request);
  if (!known || (alternative !== undefined && !known.has(alternative))) errors.push(invalid(path, name, detail));
}
