import { fault } from './errors.ts';
import { formatText } from './format-text.ts';
import { patternOf } from './library-standard.ts';
import type { Bound, CallContext, Library } from './signature.ts';
import { ArrayList, type CelList, itemsOf } from './values.ts';

/** Code points of a text; plain ASCII is walked without an array. */
function pointsOf(context: CallContext, text: string): readonly string[] | string {
  context.work(text.length);
  return /^[\0-\x7f]*$/.test(text) ? text : [...text];
}

const joined = (points: readonly string[] | string): string => (typeof points === 'string' ? points : points.join(''));

const outOfRange = (index: bigint): never => fault(`index out of range: ${index}`);

const charAt: Bound = {
  bind: context => (text: string, index: bigint) => {
    const points = pointsOf(context, text);
    return index < 0n || index > points.length ? outOfRange(index) : (points[Number(index)] ?? '');
  },
};

/** Searches from an offset in code points. */
const indexOf: Bound = {
  bind: context => (text: string, part: string, from?: bigint) => {
    const offset = from ?? 0n;
    if (offset < 0n) outOfRange(offset);
    const points = pointsOf(context, text);
    if (part === '') return offset > points.length ? BigInt(points.length) : offset;
    if (offset >= points.length) return -1n;
    if (typeof points === 'string') return BigInt(points.indexOf(part, Number(offset)));
    const units = joined(points.slice(0, Number(offset))).length;
    const found = text.indexOf(part, units);
    return found < 0 ? -1n : BigInt([...text.slice(0, found)].length);
  },
};

const lastIndexOf: Bound = {
  bind: context => (text: string, part: string, from?: bigint) => {
    if (from !== undefined && from < 0n) outOfRange(from);
    const points = pointsOf(context, text);
    if (part === '') return from === undefined || from > points.length ? BigInt(points.length) : from;
    if (from !== undefined && from >= points.length) return -1n;
    const last = from === undefined ? points.length - 1 : Number(from);
    const units = joined(points.slice(0, last)).length;
    const found = text.length === 0 ? -1 : text.lastIndexOf(part, units);
    return found < 0 ? -1n : BigInt([...text.slice(0, found)].length);
  },
};

const substring: Bound = {
  bind: context => (text: string, start: bigint, end?: bigint) => {
    if (end !== undefined && start > end) fault(`invalid substring range. start: ${start}, end: ${end}`);
    const points = pointsOf(context, text);
    if (start < 0n || start > points.length) outOfRange(start);
    if (end !== undefined && (end < 0n || end > points.length)) outOfRange(end);
    return joined(points.slice(Number(start), end === undefined ? undefined : Number(end)));
  },
};

/** A text longer than this is no result: the request it came from was smaller, and building it would stall. */
const maxResultLength = 16 * 1024 * 1024;

function replace(text: string, old: string, by: string, limit?: bigint): string {
  const count = limit === undefined || limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  const parts = splitText(text, old, count === Number.POSITIVE_INFINITY ? count : count + 1);
  // Around the characters of a text there are one more places than characters.
  if (old === '') return replaceEmpty(text, by, count);
  if (text.length + parts.length * by.length > maxResultLength) fault('result of replace is too long');
  return parts.join(by);
}

function replaceEmpty(text: string, by: string, count: number): string {
  const points = [...text];
  if (text.length + Math.min(count, points.length + 1) * by.length > maxResultLength)
    fault('result of replace is too long');
  let result = '';
  for (let index = 0; index <= points.length; index++) result += (index < count ? by : '') + (points[index] ?? '');
  return result;
}

/** At most `count` parts, the last with the rest; an empty separator parts code points. */
function splitText(text: string, separator: string, count: number): string[] {
  if (count === 0) return [];
  const parts: string[] = separator === '' ? [...text] : text.split(separator);
  if (parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function split(text: string, separator: string, limit?: bigint): CelList {
  const count = limit === undefined || limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  return new ArrayList(splitText(text, separator, count));
}

const join: Bound = {
  bind:
    context =>
    (items: CelList, separator = '') => {
      context.work(items.size * (1 + separator.length));
      let text = '';
      let first = true;
      for (const item of itemsOf(items)) {
        if (typeof item !== 'string') return fault('join: invalid input: non-string element in list');
        text += first ? item : separator + item;
        first = false;
        if (text.length > maxResultLength) fault('result of join is too long');
      }
      return text;
    },
};

const reverse: Bound = {
  bind: context => (text: string) => {
    const points = pointsOf(context, text);
    return [...points].reverse().join('');
  },
};

const format: Bound = {
  bind:
    ({ work }) =>
    (text: string, args: CelList) =>
      formatText(text, args, work),
};

const counted: Bound = {
  bind:
    ({ work }) =>
    (text: string, old: string, by: string, limit?: bigint) => {
      const result = replace(text, old, by, limit);
      work(result.length);
      return result;
    },
};

const quotes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Takes off white space as Go's unicode.IsSpace has it. A pattern anchored at the end would walk the text once per space. */
function trim(text: string): string {
  const isSpace = (at: number): boolean => spaceUnits.has(text.charCodeAt(at));
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}

const spaceUnits: ReadonlySet<number> = new Set([
  9, 10, 11, 12, 13, 32, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
  0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
]);

const find: Bound = {
  bind: context => (text: string, pattern: string) => patternOf(context, pattern, text).find(text) ?? '',
};

const findAll: Bound = {
  bind: context => (text: string, pattern: string, limit?: bigint) => {
    const count = limit === undefined || limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
    return new ArrayList(patternOf(context, pattern, text).findAll(text, count, () => context.foresee(0)));
  },
};

/** The strings library (version 2, and `reverse` of version 3), the Kubernetes regex library, and `jsonpatch.escapeKey`. */
export const strings: Library = {
  charAt: [['string_char_at_int', 'string.(int) -> string', charAt]],
  indexOf: [
    ['string_index_of_string', 'string.(string) -> int', indexOf],
    ['string_index_of_string_int', 'string.(string, int) -> int', indexOf],
  ],
  lastIndexOf: [
    ['string_last_index_of_string', 'string.(string) -> int', lastIndexOf],
    ['string_last_index_of_string_int', 'string.(string, int) -> int', lastIndexOf],
  ],
  lowerAscii: [
    [
      'string_lower_ascii',
      'string.() -> string',
      (text: string) => text.replace(/[A-Z]+/g, part => part.toLowerCase()),
    ],
  ],
  upperAscii: [
    [
      'string_upper_ascii',
      'string.() -> string',
      (text: string) => text.replace(/[a-z]+/g, part => part.toUpperCase()),
    ],
  ],
  replace: [
    ['string_replace_string_string', 'string.(string, string) -> string', counted],
    ['string_replace_string_string_int', 'string.(string, string, int) -> string', counted],
  ],
  split: [
    ['string_split_string', 'string.(string) -> list<string>', split],
    ['string_split_string_int', 'string.(string, int) -> list<string>', split],
  ],
  substring: [
    ['string_substring_int', 'string.(int) -> string', substring],
    ['string_substring_int_int', 'string.(int, int) -> string', substring],
  ],
  trim: [['string_trim', 'string.() -> string', trim]],
  reverse: [['string_reverse', 'string.() -> string', reverse]],
  join: [
    ['list_join', 'list<string>.() -> string', join],
    ['list_join_string', 'list<string>.(string) -> string', join],
  ],
  format: [['string_format', 'string.(list<dyn>) -> string', format]],
  'strings.quote': [
    [
      'strings_quote',
      '(string) -> string',
      (text: string) => `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, char => quotes[char]!)}"`,
    ],
  ],
  find: [['string_find_string', 'string.(string) -> string', find]],
  findAll: [
    ['string_find_all_string', 'string.(string) -> list<string>', findAll],
    ['string_find_all_string_int', 'string.(string, int) -> list<string>', findAll],
  ],
  'jsonpatch.escapeKey': [
    [
      'string_jsonpatch_escapeKey_string',
      '(string) -> string',
      (text: string) => text.replaceAll('~', '~0').replaceAll('/', '~1'),
    ],
  ],
};
