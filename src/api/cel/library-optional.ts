import { fault } from './errors.ts';
import { declared } from './library-operators.ts';
import type { Library } from './signature.ts';
import {
  ArrayList,
  CelDuration,
  type CelList,
  CelOptional,
  CelStruct,
  CelTimestamp,
  CelUint,
  isList,
  isMap,
  itemsOf,
  optionalNone,
} from './values.ts';

/** Go's zero value, or empty. */
function isZero(value: unknown): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (isList(value) || isMap(value)) return value.size === 0;
  if (value instanceof CelDuration) return value.nanos === 0n;
  // Go's zero time is the first day of year one.
  if (value instanceof CelTimestamp) return value.nanos === -62_135_596_800_000_000_000n;
  if (value instanceof CelOptional) return value.value === undefined;
  return value instanceof CelStruct && value.fields.size === 0;
}

const ofValue = (value: unknown): CelOptional => new CelOptional(value);

function unwrap(list: CelList): CelList {
  const items: unknown[] = [];
  for (const item of itemsOf(list)) {
    if (!(item instanceof CelOptional)) return fault('value is not optional');
    if (item.value !== undefined) items.push(item.value);
  }
  return new ArrayList(items);
}

const end = (last: boolean) => (list: CelList) =>
  list.size === 0 ? optionalNone : ofValue(list.at(last ? list.size - 1 : 0));

/** Optional types (cel-go's OptionalTypes). `or` and `orValue` are run by the evaluator, which leaves out what is not needed. */
export const optionals: Library = {
  'optional.of': [['optional_of', '(B) -> optional<B>', ofValue]],
  'optional.ofNonZeroValue': [
    [
      'optional_ofNonZeroValue',
      '(B) -> optional<B>',
      (value: unknown) => (isZero(value) ? optionalNone : ofValue(value)),
    ],
  ],
  'optional.none': [['optional_none', '() -> optional<B>', () => optionalNone]],
  'optional.unwrap': [['optional_unwrap', '(list<optional<B>>) -> list<B>', unwrap]],
  unwrapOpt: [['optional_unwrapOpt', 'list<optional<B>>.() -> list<B>', unwrap]],
  value: [
    [
      'optional_value',
      'optional<B>.() -> B',
      ({ value }: CelOptional) => (value === undefined ? fault('optional.none() dereference') : value),
    ],
  ],
  hasValue: [['optional_hasValue', 'optional<B>.() -> bool', ({ value }: CelOptional) => value !== undefined]],
  or: [['optional_or_optional', 'optional<B>.(optional<B>) -> optional<B>', declared]],
  orValue: [['optional_orValue_value', 'optional<B>.(B) -> B', declared]],
  first: [['list_first', 'list<B>.() -> optional<B>', end(false)]],
  last: [['list_last', 'list<B>.() -> optional<B>', end(true)]],
};
