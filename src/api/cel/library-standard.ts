import { compileRe2, RegexError, worstCompileMs, worstSearchMs } from '../regex.ts';
import { fault } from './errors.ts';
import type { Bound, CallContext, Library, Row } from './signature.ts';
import {
  type DatePart,
  datePart,
  formatDuration,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  timestampOf,
  zoneOffset,
} from './time.ts';
import {
  type CelDuration,
  type CelList,
  type CelMap,
  type CelTimestamp,
  CelTypeValue,
  CelUint,
  isInt64,
  isUint64,
  stringSize,
  typeNameOf,
} from './values.ts';

const badConversion = (from: string, to: string): never => fault(`type conversion error from '${from}' to '${to}'`);

const textSize: Bound = {
  bind: context => (text: string) => {
    context.work(text.length);
    return BigInt(stringSize(text));
  },
};
const bytesSize = (bytes: Uint8Array): bigint => BigInt(bytes.length);
const containerSize = (container: CelList | CelMap): bigint => BigInt(container.size);

/** Instructions of a pattern that pass for one unit of work a character. */
const usualPatternSize = 50;
/** Larger ones come from counted repetitions, and are tried instruction by instruction. */
const largePatternSize = 200;

/** A pattern compiled once for a program, for matching it with a text; faults with RE2's message. */
export function patternOf(context: CallContext, pattern: string, text: string): ReturnType<typeof compileRe2> {
  const compiled = context.memo(`re ${pattern}`, () => {
    context.foresee(worstCompileMs(pattern));
    try {
      return compileRe2(pattern);
    } catch (error) {
      if (error instanceof RegexError) return fault(error.message);
      throw error;
    }
  });
  context.foresee(worstSearchMs(compiled, text));
  const share = compiled.size <= largePatternSize ? usualPatternSize : usualPatternSize / 10;
  context.work(text.length * Math.ceil(compiled.size / share));
  return compiled;
}

const matches: Bound = {
  bind: context => (text: string, pattern: string) => patternOf(context, pattern, text).test(text),
};

function parseInt64(text: string): bigint {
  const value = /^[+-]?\d{1,40}$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  return value !== undefined && isInt64(value) ? value : badConversion('string', 'int');
}

function parseUint64(text: string): CelUint {
  const value = /^\d{1,40}$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && isUint64(value) ? new CelUint(value) : badConversion('string', 'uint');
}

const special: Readonly<Record<string, number>> = { inf: Infinity, infinity: Infinity, nan: Number.NaN };

/** No number of use is longer. */
const maxNumberLength = 1000;

function parseDouble(text: string): number {
  if (text.length > maxNumberLength) badConversion('string', 'double');
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
  }
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (word === null) return badConversion('string', 'double');
  return (word[1] === '-' ? -1 : 1) * special[word[2]!.toLowerCase()]!;
}

const booleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  TRUE: true,
  true: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  FALSE: false,
  false: false,
  False: false,
};

function parseBool(text: string): boolean {
  return Object.hasOwn(booleans, text) ? booleans[text]! : badConversion('string', 'bool');
}

function doubleToInt(value: number): bigint {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) return fault('integer overflow');
  return BigInt(Math.trunc(value));
}

function doubleToUint(value: number): CelUint {
  if (!(value >= 0 && value < 2 ** 64)) return fault('unsigned integer overflow');
  return new CelUint(BigInt(Math.trunc(value)));
}

/** As Go's 'g' format with the shortest digits: an exponent below -4 or from 21 on. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e21)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return String(value);
}

function bytesToString(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Only the decoder's refusal of malformed UTF-8 comes here.
    return fault('invalid UTF-8 in bytes, cannot convert to string');
  }
}

const identity = (value: unknown): unknown => value;

/** What asking for the offset of a zone takes, in units of work. */
const zoneWork = 200;

/** What reading a time takes, in units of work. */
const readWork = 25;

function reading(read: (text: string) => unknown): Bound {
  return {
    bind:
      ({ work }) =>
      (text: string) => {
        work(readWork + text.length);
        return read(text);
      },
  };
}

/** Accessors of a timestamp, with and without a zone: [function, id, part]. */
function accessor(id: string, part: DatePart): readonly Row[] {
  const zoned: Bound = {
    bind: context => (at: CelTimestamp, zone: string) => {
      context.work(zoneWork);
      return datePart(at, part, context.memo(`tz ${zone}`, () => zoneOffset(zone))(at));
    },
  };
  return [
    [`timestamp_to_${id}`, 'timestamp.() -> int', (at: CelTimestamp) => datePart(at, part, 0)],
    [`timestamp_to_${id}_with_tz`, 'timestamp.(string) -> int', zoned],
  ];
}

function durationPart(id: string, nanos: bigint): Row {
  return [`duration_to_${id}`, 'duration.() -> int', (value: CelDuration) => value.nanos / nanos];
}

const milliseconds: Row = [
  'duration_to_milliseconds',
  'duration.() -> int',
  (value: CelDuration) => value.nanos / 1_000_000n,
];

export const standard: Library = {
  size: [
    ['size_bytes', '(bytes) -> int', bytesSize],
    ['bytes_size', 'bytes.() -> int', bytesSize],
    ['size_list', '(list<A>) -> int', containerSize],
    ['list_size', 'list<A>.() -> int', containerSize],
    ['size_map', '(map<A, B>) -> int', containerSize],
    ['map_size', 'map<A, B>.() -> int', containerSize],
    ['size_string', '(string) -> int', textSize],
    ['string_size', 'string.() -> int', textSize],
  ],
  type: [['type', '(A) -> type<A>', (value: unknown) => new CelTypeValue(typeNameOf(value))]],
  dyn: [['to_dyn', '(A) -> dyn', identity]],
  bool: [
    ['bool_to_bool', '(bool) -> bool', identity],
    ['string_to_bool', '(string) -> bool', parseBool],
  ],
  bytes: [
    ['bytes_to_bytes', '(bytes) -> bytes', identity],
    ['string_to_bytes', '(string) -> bytes', (text: string) => new TextEncoder().encode(text)],
  ],
  double: [
    ['double_to_double', '(double) -> double', identity],
    ['int64_to_double', '(int) -> double', (value: bigint) => Number(value)],
    ['string_to_double', '(string) -> double', parseDouble],
    ['uint64_to_double', '(uint) -> double', (value: CelUint) => Number(value.value)],
  ],
  duration: [
    ['duration_to_duration', '(duration) -> duration', identity],
    [
      'string_to_duration',
      '(string) -> duration',
      reading(text => parseDuration(text) ?? badConversion('string', 'google.protobuf.Duration')),
    ],
  ],
  int: [
    ['int64_to_int64', '(int) -> int', identity],
    ['double_to_int64', '(double) -> int', doubleToInt],
    ['duration_to_int64', '(duration) -> int', (value: CelDuration) => value.nanos],
    ['string_to_int64', '(string) -> int', parseInt64],
    ['timestamp_to_int64', '(timestamp) -> int', (at: CelTimestamp) => BigInt.asIntN(64, floorSeconds(at.nanos))],
    ['uint64_to_int64', '(uint) -> int', ({ value }: CelUint) => (isInt64(value) ? value : fault('integer overflow'))],
  ],
  string: [
    ['string_to_string', '(string) -> string', identity],
    ['bool_to_string', '(bool) -> string', (value: boolean) => String(value)],
    ['bytes_to_string', '(bytes) -> string', bytesToString],
    ['double_to_string', '(double) -> string', formatDouble],
    ['duration_to_string', '(duration) -> string', formatDuration],
    ['int64_to_string', '(int) -> string', (value: bigint) => value.toString()],
    ['timestamp_to_string', '(timestamp) -> string', formatTimestamp],
    ['uint64_to_string', '(uint) -> string', (value: CelUint) => value.value.toString()],
  ],
  timestamp: [
    ['timestamp_to_timestamp', '(timestamp) -> timestamp', identity],
    ['int64_to_timestamp', '(int) -> timestamp', (seconds: bigint) => timestampOf(seconds * 1_000_000_000n)],
    [
      'string_to_timestamp',
      '(string) -> timestamp',
      reading(text => parseTimestamp(text) ?? badConversion('string', 'google.protobuf.Timestamp')),
    ],
  ],
  uint: [
    ['uint64_to_uint64', '(uint) -> uint', identity],
    ['double_to_uint64', '(double) -> uint', doubleToUint],
    [
      'int64_to_uint64',
      '(int) -> uint',
      (value: bigint) => (value >= 0n ? new CelUint(value) : fault('unsigned integer overflow')),
    ],
    ['string_to_uint64', '(string) -> uint', parseUint64],
  ],
  contains: [['contains_string', 'string.(string) -> bool', (text: string, part: string) => text.includes(part)]],
  startsWith: [
    ['starts_with_string', 'string.(string) -> bool', (text: string, part: string) => text.startsWith(part)],
  ],
  endsWith: [['ends_with_string', 'string.(string) -> bool', (text: string, part: string) => text.endsWith(part)]],
  matches: [
    ['matches', '(string, string) -> bool', matches],
    ['matches_string', 'string.(string) -> bool', matches],
  ],
  getFullYear: accessor('year', 'year'),
  getMonth: accessor('month', 'month'),
  getDayOfYear: accessor('day_of_year', 'dayOfYear'),
  getDayOfMonth: accessor('day_of_month', 'dayOfMonth'),
  getDate: accessor('day_of_month_1_based', 'date'),
  getDayOfWeek: accessor('day_of_week', 'dayOfWeek'),
  getHours: [...accessor('hours', 'hours'), durationPart('hours', 3_600_000_000_000n)],
  getMinutes: [...accessor('minutes', 'minutes'), durationPart('minutes', 60_000_000_000n)],
  getSeconds: [...accessor('seconds', 'seconds'), durationPart('seconds', 1_000_000_000n)],
  getMilliseconds: [...accessor('milliseconds', 'ms'), milliseconds],
};

function floorSeconds(nanos: bigint): bigint {
  const seconds = nanos / 1_000_000_000n;
  return nanos < 0n && nanos % 1_000_000_000n !== 0n ? seconds - 1n : seconds;
}
