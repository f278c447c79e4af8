import { compareValues, isEqual } from './equality.ts';
import { fault } from './errors.ts';
import { mergeLists } from './merge-lists.ts';
import type { Bound, Library, Row } from './signature.ts';
import { durationOf, timestampOf } from './time.ts';
import {
  type CelDuration,
  type CelList,
  type CelMap,
  type CelTimestamp,
  CelUint,
  isInt64,
  isUint64,
  itemsOf,
  joinLists,
} from './values.ts';

/** Operators that the evaluator runs itself are only declared here. */
export const declared = (): never => fault('no such overload');

const int = (value: bigint): bigint => (isInt64(value) ? value : fault('integer overflow'));
const uint = (value: bigint): CelUint => (isUint64(value) ? new CelUint(value) : fault('unsigned integer overflow'));
const notZero = (value: bigint, message: string): bigint => (value === 0n ? fault(message) : value);

/** Pairs of types that `<` and its like take: [name, left, right]. */
const ordered: readonly (readonly [string, string, string])[] = [
  ['bool', 'bool', 'bool'],
  ['int64', 'int', 'int'],
  ['int64_double', 'int', 'double'],
  ['int64_uint64', 'int', 'uint'],
  ['uint64', 'uint', 'uint'],
  ['uint64_double', 'uint', 'double'],
  ['uint64_int64', 'uint', 'int'],
  ['double', 'double', 'double'],
  ['double_int64', 'double', 'int'],
  ['double_uint64', 'double', 'uint'],
  ['string', 'string', 'string'],
  ['bytes', 'bytes', 'bytes'],
  ['timestamp', 'timestamp', 'timestamp'],
  ['duration', 'duration', 'duration'],
];

function relation(prefix: string, holds: (order: number) => boolean): readonly Row[] {
  const run = (left: unknown, right: unknown): boolean => holds(compareValues(left, right));
  return ordered.map(([name, left, right]) => [`${prefix}_${name}`, `(${left}, ${right}) -> bool`, run]);
}

const inList: Bound = {
  bind: context => (item: unknown, list: CelList) => {
    context.work(list.size);
    for (const other of itemsOf(list)) if (isEqual(item, other, context.work)) return true;
    return false;
  },
};

const divideDouble = (a: number, b: number): number => a / b;

/** Go cuts towards zero and so does JavaScript's bigint. */
const divideInt = (a: bigint, b: bigint): bigint => int(a / notZero(b, 'division by zero'));
const moduloInt = (a: bigint, b: bigint): bigint => {
  notZero(b, 'modulus by zero');
  return b === -1n && !isInt64(-a) ? fault('integer overflow') : a % b;
};

function concatBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Lists with set or map semantics merge, others join. */
const addLists: Bound = {
  bind:
    ({ work }) =>
    (left: CelList, right: CelList) => {
      if (left.listType === undefined) return joinLists(left, right, work);
      work(left.size + right.size);
      return mergeLists(left, right);
    },
};

export const operators: Library = {
  '_?_:_': [['conditional', '(bool, A, A) -> A', declared]],
  '_&&_': [['logical_and', '(bool, bool) -> bool', declared]],
  '_||_': [['logical_or', '(bool, bool) -> bool', declared]],
  '!_': [['logical_not', '(bool) -> bool', (value: boolean) => !value]],
  '@not_strictly_false': [['not_strictly_false', '(bool) -> bool', declared]],
  '_==_': [['equals', '(A, A) -> bool', declared]],
  '_!=_': [['not_equals', '(A, A) -> bool', declared]],
  '_+_': [
    ['add_bytes', '(bytes, bytes) -> bytes', concatBytes],
    ['add_double', '(double, double) -> double', (a: number, b: number) => a + b],
    [
      'add_duration_duration',
      '(duration, duration) -> duration',
      (a: CelDuration, b: CelDuration) => durationOf(a.nanos + b.nanos),
    ],
    [
      'add_duration_timestamp',
      '(duration, timestamp) -> timestamp',
      (a: CelDuration, b: CelTimestamp) => timestampOf(a.nanos + b.nanos),
    ],
    [
      'add_timestamp_duration',
      '(timestamp, duration) -> timestamp',
      (a: CelTimestamp, b: CelDuration) => timestampOf(a.nanos + b.nanos),
    ],
    ['add_int64', '(int, int) -> int', (a: bigint, b: bigint) => int(a + b)],
    ['add_list', '(list<A>, list<A>) -> list<A>', addLists],
    ['add_string', '(string, string) -> string', (a: string, b: string) => a + b],
    ['add_uint64', '(uint, uint) -> uint', (a: CelUint, b: CelUint) => uint(a.value + b.value)],
  ],
  '_-_': [
    ['subtract_double', '(double, double) -> double', (a: number, b: number) => a - b],
    [
      'subtract_duration_duration',
      '(duration, duration) -> duration',
      (a: CelDuration, b: CelDuration) => durationOf(a.nanos - b.nanos),
    ],
    ['subtract_int64', '(int, int) -> int', (a: bigint, b: bigint) => int(a - b)],
    [
      'subtract_timestamp_duration',
      '(timestamp, duration) -> timestamp',
      (a: CelTimestamp, b: CelDuration) => timestampOf(a.nanos - b.nanos),
    ],
    [
      'subtract_timestamp_timestamp',
      '(timestamp, timestamp) -> duration',
      (a: CelTimestamp, b: CelTimestamp) => durationOf(a.nanos - b.nanos),
    ],
    ['subtract_uint64', '(uint, uint) -> uint', (a: CelUint, b: CelUint) => uint(a.value - b.value)],
  ],
  '_*_': [
    ['multiply_double', '(double, double) -> double', (a: number, b: number) => a * b],
    ['multiply_int64', '(int, int) -> int', (a: bigint, b: bigint) => int(a * b)],
    ['multiply_uint64', '(uint, uint) -> uint', (a: CelUint, b: CelUint) => uint(a.value * b.value)],
  ],
  '_/_': [
    ['divide_double', '(double, double) -> double', divideDouble],
    ['divide_int64', '(int, int) -> int', divideInt],
    [
      'divide_uint64',
      '(uint, uint) -> uint',
      (a: CelUint, b: CelUint) => uint(a.value / notZero(b.value, 'division by zero')),
    ],
  ],
  '_%_': [
    ['modulo_int64', '(int, int) -> int', moduloInt],
    [
      'modulo_uint64',
      '(uint, uint) -> uint',
      (a: CelUint, b: CelUint) => uint(a.value % notZero(b.value, 'modulus by zero')),
    ],
  ],
  '-_': [
    ['negate_double', '(double) -> double', (a: number) => -a],
    ['negate_int64', '(int) -> int', (a: bigint) => int(-a)],
  ],
  '_<_': relation('less', order => order < 0),
  '_<=_': relation('less_equals', order => order <= 0),
  '_>_': relation('greater', order => order > 0),
  '_>=_': relation('greater_equals', order => order >= 0),
  '_[_]': [
    ['index_list', '(list<A>, int) -> A', declared],
    ['index_map', '(map<A, B>, A) -> B', declared],
    ['optional_list_index_int', '(optional<list<B>>, int) -> optional<B>', declared],
    ['optional_map_index_value', '(optional<map<A, B>>, A) -> optional<B>', declared],
  ],
  '_[?_]': [
    ['list_optindex_optional_int', '(list<B>, int) -> optional<B>', declared],
    ['optional_list_optindex_optional_int', '(optional<list<B>>, int) -> optional<B>', declared],
    ['map_optindex_optional_value', '(map<A, B>, A) -> optional<B>', declared],
    ['optional_map_optindex_optional_value', '(optional<map<A, B>>, A) -> optional<B>', declared],
  ],
  '@in': [
    ['in_list', '(A, list<A>) -> bool', inList],
    ['in_map', '(A, map<A, B>) -> bool', (key: unknown, map: CelMap) => map.find(key) !== undefined],
  ],
};
