import { compareStrings } from './equality.ts';
import { fault } from './errors.ts';
import { formatDouble } from './library-standard.ts';
import { formatDuration, formatTimestamp } from './time.ts';
import {
  CelDuration,
  type CelList,
  type CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  isList,
  isMap,
  itemsOf,
  typeNameOf,
} from './values.ts';

/** `"...".format([...])`: %s %d %f %e %b %x %X %o with `.precision`, numbers as in English. `work` is told of the length of what is put in. */
export function formatText(text: string, args: CelList, work: (units: number) => void): string {
  let result = '';
  let next = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char !== '%') {
      result += char;
      continue;
    }
    if (text[at + 1] === '%') {
      result += '%';
      at++;
      continue;
    }
    if (next >= args.size) fault(`index ${next} out of range`);
    const clause = readClause(text, at + 1);
    const piece = formatClause(args.at(next++), clause);
    work(piece.length);
    result += piece;
    at = clause.end;
  }
  return result;
}

interface Clause {
  letter: string;
  precision: number | undefined;
  /** Offset of the letter. */
  end: number;
}

const parseError = (message: string): never => fault(`could not parse formatting clause: ${message}`);

function readClause(text: string, start: number): Clause {
  if (start >= text.length) fault('unexpected end of string');
  const digits = text[start] === '.' ? /^\d*/.exec(text.slice(start + 1))![0] : undefined;
  const end = digits === undefined ? start : start + 1 + digits.length;
  if (end >= text.length) parseError('error while parsing precision: could not find end of precision specifier');
  if (digits === '') {
    parseError(
      'error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax',
    );
  }
  const precision = digits === undefined ? undefined : Number(digits);
  if (precision !== undefined && precision > 100) {
    parseError(`error while parsing precision: precision ${precision} exceeds maximum allowed precision 100`);
  }
  return { letter: text[end]!, precision, end };
}

function formatClause(value: unknown, { letter, precision }: Clause): string {
  switch (letter) {
    case 's':
      return formatAny(value);
    case 'd':
      return isInteger(value)
        ? integerOf(value).toString()
        : wrong('decimal clause can only be used on integers', value);
    case 'f':
      return formatFixed(doubleOf(value, 'fixed-point clause can only be used on doubles'), precision ?? 6);
    case 'e':
      return formatScientific(doubleOf(value, 'scientific clause can only be used on doubles'), precision ?? 6);
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return inBase(value, 2, 'only integers and bools can be formatted as binary');
    case 'o':
      return inBase(value, 8, 'octal clause can only be used on integers');
    case 'x':
      return formatHex(value);
    case 'X':
      return formatHex(value).toUpperCase();
    default:
      return parseError(`unrecognized formatting clause "${letter}"`);
  }
}

function wrong(message: string, value: unknown): never {
  return fault(`error during formatting: ${message}, was given ${typeNameOf(value)}`);
}

function isInteger(value: unknown): value is bigint | CelUint {
  return typeof value === 'bigint' || value instanceof CelUint;
}

function integerOf(value: bigint | CelUint): bigint {
  return typeof value === 'bigint' ? value : value.value;
}

function inBase(value: unknown, base: number, message: string): string {
  return isInteger(value) ? integerOf(value).toString(base) : wrong(message, value);
}

function formatHex(value: unknown): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return inBase(value, 16, 'only integers, byte buffers, and strings can be formatted as hex');
}

const infinities: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity };

function doubleOf(value: unknown, message: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && Object.hasOwn(infinities, value)) return infinities[value]!;
  return wrong(message, value);
}

function notFinite(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? undefined : value > 0 ? '∞' : '-∞';
}

function formatFixed(value: number, precision: number): string {
  const odd = notFinite(value);
  if (odd !== undefined) return odd;
  const [whole = '', fraction] = plainFixed(value, precision).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `toFixed` changes to exponents from 1e21 on; such doubles are whole. */
function plainFixed(value: number, precision: number): string {
  if (Math.abs(value) < 1e21) return value.toFixed(precision);
  return BigInt(value).toString() + (precision > 0 ? `.${'0'.repeat(precision)}` : '');
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function formatScientific(value: number, precision: number): string {
  const odd = notFinite(value);
  if (odd !== undefined) return odd;
  const [mantissa = '', exponent = ''] = value.toExponential(precision).split('e');
  const digits = exponent
    .slice(1)
    .padStart(2, '0')
    .replace(/\d/g, digit => superscripts[Number(digit)]!);
  return `${mantissa}\u202f×\u202f10${exponent[0] === '-' ? '⁻' : ''}${digits}`;
}

function formatAny(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'number' ? formatDouble(value) : formatPlain(value);
}

function formatPlain(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
  }
  if (value instanceof CelUint) return value.value.toString();
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof CelTypeValue) return value.name;
  if (isList(value)) return `[${[...itemsOf(value)].map(formatMember).join(', ')}]`;
  if (isMap(value)) return formatMap(value);
  return wrong(
    'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
    value,
  );
}

/** Members of lists and maps are written as CEL literals. */
function formatMember(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `b${JSON.stringify(Buffer.from(value).toString('utf8'))}`;
  if (typeof value === 'number') {
    return Number.isFinite(value) ? plainFixed(value, 6) : JSON.stringify(formatDouble(value));
  }
  if (value instanceof CelTimestamp) return `timestamp("${formatTimestamp(value)}")`;
  if (value instanceof CelDuration) return `duration("${formatDuration(value)}")`;
  if (value instanceof CelTypeValue) return `type(${value.name})`;
  return formatPlain(value);
}

function formatMap(map: CelMap): string {
  const pairs = map.keyList().map(key => [formatMember(key), formatMember(map.find(key))] as const);
  pairs.sort(([left], [right]) => compareStrings(left, right));
  return `{${pairs.map(pair => pair.join(':')).join(', ')}}`;
}
