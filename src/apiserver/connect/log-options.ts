import { isTrue } from '#wire';
import { badRequest, type Cause, invalid } from '../access/refuse.ts';

/** What of PodLogOptions the kubelet takes, by the names that both sides use. */
export interface LogOptions {
  readonly container: string | null;
  /** Whom the kubelet's certificate is from does not matter to the reader. */
  readonly isInsecure: boolean;
  /** The options for the kubelet, checked. */
  readonly passed: URLSearchParams;
}

const flags = ['follow', 'previous', 'timestamps'];
/** Whole numbers, the lowest that each may be, and how what is lower is refused. */
const numbers: readonly [name: string, lowest: number, why: string][] = [
  ['tailLines', 0, 'must be greater than or equal to 0'],
  ['limitBytes', 1, 'must be greater than 0'],
  ['sinceSeconds', 1, 'must be greater than 0'],
];
const streams = ['All', 'Stderr', 'Stdout'];

/** Reads the query of pods/log. Throws 400 for what cannot be read and 422 for what is not allowed. Source: ValidatePodLogOptions. */
export function readLogOptions(query: URLSearchParams, podName: string): LogOptions {
  const passed = new URLSearchParams();
  for (const name of flags) if (isTrue(query.get(name))) passed.set(name, 'true');
  const errors: Cause[] = [];
  for (const [name, lowest, why] of numbers) {
    const value = wholeNumber(query.get(name));
    if (value === undefined) continue;
    passed.set(name, String(value));
    // With sinceTime beside it, that is what is wrong.
    const isLow = value < lowest && !(name === 'sinceSeconds' && query.get('sinceTime'));
    if (isLow) errors.push(invalidValue(name, `Invalid value: ${value}: ${why}`));
  }
  const sinceTime = query.get('sinceTime');
  if (sinceTime) passed.set('sinceTime', readTime(sinceTime));
  if (sinceTime && passed.has('sinceSeconds'))
    errors.push(forbidden('at most one of `sinceTime` or `sinceSeconds` may be specified'));
  const stream = query.get('stream');
  if (stream !== null) passed.set('stream', stream);
  const known = streams.map(name => JSON.stringify(name)).join(', ');
  if (stream !== null && !streams.includes(stream)) {
    const message = `Unsupported value: ${JSON.stringify(stream)}: supported values: ${known}`;
    errors.push({ reason: 'FieldValueNotSupported', field: 'stream', message });
  }
  if (stream !== null && stream !== 'All' && passed.has('tailLines'))
    errors.push(forbidden('`tailLines` and specific `stream` are mutually exclusive for now'));
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, podName, errors);
  const isInsecure = isTrue(query.get('insecureSkipTLSVerifyBackend'));
  return { container: query.get('container'), isInsecure, passed };
}

const invalidValue = (field: string, message: string): Cause => ({ reason: 'FieldValueInvalid', field, message });
const forbidden = (why: string): Cause => ({ reason: 'FieldValueForbidden', message: `Forbidden: ${why}` });

/** Undefined when it is not said. Throws 400. */
function wholeNumber(text: string | null): bigint | undefined {
  if (!text) return undefined;
  const shown = `strconv.ParseInt: parsing ${JSON.stringify(text)}`;
  if (!/^[+-]?\d{1,40}$/.test(text)) throw badRequest(`${shown}: invalid syntax`);
  const value = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(64, value) !== value) throw badRequest(`${shown}: value out of range`);
  return value;
}

/** RFC 3339. Throws 400. */
function readTime(text: string): string {
  const isTime =
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
  if (isTime) return text;
  throw badRequest(
    `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
  );
}
