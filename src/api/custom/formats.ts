import { isIP } from 'node:net';
import { isQuantity } from '../quantity.ts';

/**
 * Formats of strings that are checked; all others are ignored. Names without dashes, as upstream compares them
 * (pkg/apiserver/validation/formats.go, kube-openapi pkg/validation/strfmt).
 */
const formats: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['bsonobjectid', pattern(/^[0-9a-fA-F]{24}$/)],
  ['uri', isUri],
  ['email', isEmail],
  ['hostname', isHostname],
  ['ipv4', (text: string) => isIP(text) === 4],
  ['ipv6', (text: string) => isIP(text) === 6 && !text.includes('%')],
  ['cidr', isCidr],
  ['mac', isMac],
  ['uuid', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)],
  ['uuid3', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)],
  ['uuid4', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i)],
  ['uuid5', pattern(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i)],
  ['isbn', (text: string) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', isCreditCard],
  ['ssn', pattern(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ['hexcolor', pattern(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ['rgbcolor', isRgbColor],
  ['byte', isBase64],
  ['password', () => true],
  ['date', isDate],
  ['duration', isDuration],
  ['datetime', isDateTime],
  ['quantity', (text: string) => isQuantity(text)],
  ['k8sshortname', pattern(/^(?=.{1,63}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/)],
  ['k8slongname', pattern(/^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/)],
]);

/** The test of a format of strings; undefined for a format that nobody checks. */
export function formatTest(format: string): ((text: string) => boolean) | undefined {
  return formats.get(format.replaceAll('-', ''));
}

/** Whether a format means something for values of a type; the others are accepted and ignored. */
export function isKnownFormat(format: string, type: string | undefined): boolean {
  if (type === undefined || type === '' || type === 'string') return formats.has(format.replaceAll('-', ''));
  if (type === 'integer') return format === 'int32' || format === 'int64';
  if (type === 'number') return format === 'float' || format === 'double';
  return false;
}

function pattern(regex: RegExp): (text: string) => boolean {
  return text => regex.test(text);
}

/** Go's url.ParseRequestURI: absolute, or a rooted path. */
function isUri(text: string): boolean {
  if (text === '' || /[\u0000-\u0020\u007f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return false;
  if (text.startsWith('/')) return true;
  const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]*:(.*)$/.exec(text);
  if (!scheme) return false;
  const rest = scheme[1]!;
  if (!rest.startsWith('//')) return true;
  const authority = /^\/\/([^/?#]*)/.exec(rest)![1]!;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return /^(?:\[[0-9a-fA-F:.%]+\]|[^[\]:<>"\\^`{|}]*)(?::\d*)?$/.test(host);
}

/** Go's mail.ParseAddress: an address, perhaps with a name before it. */
function isEmail(text: string): boolean {
  const trimmed = text.trim();
  const open = trimmed.endsWith('>') ? trimmed.lastIndexOf('<') : -1;
  if (open < 0) return isAddress(trimmed);
  const name = trimmed.slice(0, open).trim();
  const isName = /^[^<>"@,;:\\]*$/.test(name) || /^"(?:[^"\\]|\\.)*"$/.test(name);
  return isName && isAddress(trimmed.slice(open + 1, -1));
}

const atoms = /^[^\s()<>[\]:;@\\,."]+(?:\.[^\s()<>[\]:;@\\,."]+)*$/;

function isAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, Math.max(at, 0));
  const domain = address.slice(at + 1);
  const isLocal = atoms.test(local) || /^"(?:[^"\\\r\n]|\\.)*"$/.test(local);
  return isLocal && (atoms.test(domain) || /^\[[^[\]\\\s]*\]$/.test(domain));
}

function isHostname(text: string): boolean {
  if (text.length > 255) return false;
  const parts = text.split('.');
  return (
    /^[a-zA-Z0-9\u00a0-\uffff]/.test(text) &&
    parts.every(
      part =>
        part.length <= 63 &&
        /^[a-zA-Z0-9_\u00a0-\uffff](?:[-a-zA-Z0-9_\u00a0-\uffff]*[a-zA-Z0-9_\u00a0-\uffff])?$/.test(part),
    )
  );
}

function isCidr(text: string): boolean {
  const match = /^([^/%]+)\/(\d{1,3})$/.exec(text);
  const family = match ? isIP(match[1]!) : 0;
  const bits = match?.[2] ?? '';
  return family !== 0 && (bits === '0' || !bits.startsWith('0')) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** 6, 8 or 20 bytes with colons or dashes, or in groups of two with dots, as Go's net.ParseMAC. */
function isMac(text: string): boolean {
  const bytes = /^[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2})*$/.test(text)
    ? (text.length + 1) / 3
    : /^[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+$/.test(text)
      ? ((text.length + 1) / 5) * 2
      : 0;
  return bytes === 6 || bytes === 8 || bytes === 20;
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '');
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  let sum = 0;
  for (let at = 0; at < 10; at++) sum += (at + 1) * (digits[at] === 'X' ? 10 : Number(digits[at]));
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '');
  if (!/^\d{13}$/.test(digits)) return false;
  let sum = 0;
  for (let at = 0; at < 13; at++) sum += (at % 2 === 0 ? 1 : 3) * Number(digits[at]);
  return sum % 10 === 0;
}

const cardNumber =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;

/** A known issuer's number with a right check digit. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '');
  if (!cardNumber.test(digits)) return false;
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]) * (at % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

function isRgbColor(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
  return match?.slice(1).every(part => Number(part) <= 255) ?? false;
}

function isBase64(text: string): boolean {
  const plain = text.replace(/[\r\n]/g, '');
  return plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,]\d+)?(?:[Zz]|[+-](\d{2}):?(\d{2}))$/.exec(text);
  if (!match || !isDate(match[1]!)) return false;
  const [hour, minute, second, zoneHour = 0, zoneMinute = 0] = match.slice(2).map(part => Number(part ?? 0));
  return hour! <= 23 && minute! <= 59 && second! <= 59 && zoneHour <= 23 && zoneMinute <= 59;
}

/** Go's time.ParseDuration, or a number and the name of a unit as Scala writes it (`5 minutes`). */
function isDuration(text: string): boolean {
  if (/^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.test(text)) return true;
  const units =
    'nanoseconds?|nanos?|ns|microseconds?|micros?|us|µs|milliseconds?|millis?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hr?s?|h|days?|d|weeks?|wk?s?|w';
  return new RegExp(`^[+-]?\\d+(?:\\.\\d+)?\\s*(?:${units})$`).test(text.trim());
}
