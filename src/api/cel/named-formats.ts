import {
  checkLabel,
  checkLabel1035,
  checkLabelValue,
  checkQualifiedName,
  checkSubdomain,
} from '../kinds/name-rules.ts';
import { urlProblem } from './library-url.ts';
import { parseDate, parseTimestamp } from './time.ts';
import { formatType } from './types.ts';
import { CelOpaque } from './values.ts';

/** A format that `format.<name>()` gives. */
export interface NamedFormat {
  readonly name: string;
  /** What is wrong with a text; nothing when it fits. */
  check(text: string): readonly string[];
  /** Upstream's size of its pattern, for costs. */
  readonly maxRegexSize: number;
}

type Check = (text: string) => readonly string[];

/** A prefix of a name may end with a dash. */
const prefix =
  (check: Check): Check =>
  text =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);

const when =
  (fits: (text: string) => boolean, message: string): Check =>
  text =>
    fits(text) ? [] : [message];

const uuid = /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})$/i;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const uuidRegexSize = 95;
const dateTimeRegexSize = 67;

const checkUri: Check = text => {
  const problem = urlProblem(text);
  return problem === undefined ? [] : [problem];
};

const rows: Readonly<Record<string, readonly [name: string, check: Check, maxRegexSize: number]>> = {
  dns1123Label: ['DNS1123Label', checkLabel, 30],
  dns1123Subdomain: ['DNS1123Subdomain', checkSubdomain, 60],
  dns1035Label: ['DNS1035Label', checkLabel1035, 30],
  qualifiedName: ['QualifiedName', checkQualifiedName, 60],
  dns1123LabelPrefix: ['DNS1123LabelPrefix', prefix(checkLabel), 30],
  dns1123SubdomainPrefix: ['DNS1123SubdomainPrefix', prefix(checkSubdomain), 60],
  dns1035LabelPrefix: ['DNS1035LabelPrefix', prefix(checkLabel1035), 30],
  labelValue: ['LabelValue', checkLabelValue, 40],
  uri: ['URI', checkUri, 1103],
  uuid: ['uuid', when(text => uuid.test(text), 'does not match the UUID format'), uuidRegexSize],
  byte: ['byte', when(text => base64.test(text), 'invalid base64'), 84],
  date: ['date', when(text => parses(parseDate, text), 'invalid date'), dateTimeRegexSize],
  datetime: ['datetime', when(text => parses(parseTimestamp, text), 'invalid datetime'), dateTimeRegexSize],
};

function parses(parse: (text: string) => unknown, text: string): boolean {
  return /^\d{4}-/.test(text) && !text.startsWith('0000') && parse(text) !== undefined;
}

export const formatNames: readonly string[] = Object.keys(rows);

/** The format of a name (`dns1123Label`), as a value; undefined when there is none. */
export function namedFormat(key: string): CelOpaque | undefined {
  if (!Object.hasOwn(rows, key)) return undefined;
  const [name, check, maxRegexSize] = rows[key]!;
  const content: NamedFormat & { equals(other: unknown): boolean } = {
    name,
    check,
    maxRegexSize,
    equals: other => (other as NamedFormat | null)?.name === name,
  };
  return new CelOpaque(formatType, content);
}

/** The pattern size of a format value; 1 for what is none. */
export function maxRegexSizeOf(value: unknown): number {
  return value instanceof CelOpaque && value.type === formatType ? (value.content as NamedFormat).maxRegexSize : 1;
}
