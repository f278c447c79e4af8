/**
 * What names, keys and values may look like: each rule answers with upstream's sentences about what is wrong, none when all is well.
 * Source: apimachinery's util/validation and api/validate/content.
 */

const fine: readonly string[] = [];

const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`;
const label1035Format = '[a-z]([-a-z0-9]*[a-z0-9])?';
const wildcardFormat = `\\*\\.${subdomainFormat}`;
const labelKeyFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValueFormat = `(${labelKeyFormat})?`;
const identifierFormat = '[A-Za-z_][A-Za-z0-9_]*';
const headerFormat = '[-A-Za-z0-9]+';
const configKeyFormat = '[-._a-zA-Z0-9]+';
const percentFormat = '[0-9]+%';

const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const label1035 = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;
const wildcard = new RegExp(`^${wildcardFormat}$`);
const labelKey = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
const header = /^[-A-Za-z0-9]+$/;
const configKey = /^[-._a-zA-Z0-9]+$/;
const percent = /^[0-9]+%$/;
const printableNoEquals = /^[ -<>-~]+$/;
const portCharacters = /^[-a-z0-9]+$/;
const portLetter = /[a-z]/;

const labelHint =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const subdomainHint =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const label1035Hint =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const wildcardHint =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
const labelKeyHint =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const labelValueHint =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

export function maxLengthMessage(length: number): string {
  return `must be no more than ${length} characters`;
}

/** Upstream's sentence of a pattern: hint, examples, the expression. */
export function patternMessage(hint: string, format: string, ...examples: string[]): string {
  if (examples.length === 0) return `${hint} (regex used for validation is '${format}')`;
  const list = examples.map(example => `'${example}', `).join(' or ');
  return `${hint} (e.g. ${list}regex used for validation is '${format}')`;
}

/** RFC 1123 label: at most 63 characters, no dots. */
export function checkLabel(value: string): readonly string[] {
  if (value.length <= 63 && label.test(value)) return fine;
  const messages: string[] = [];
  if (value.length > 63) messages.push(maxLengthMessage(63));
  if (!label.test(value)) {
    const dotted = isSubdomainShape(value);
    messages.push(dotted ? 'must not contain dots' : patternMessage(labelHint, labelFormat, 'my-name', '123-abc'));
  }
  return messages;
}

/** RFC 1123 subdomain: labels between dots, at most 253 characters. */
export function checkSubdomain(value: string): readonly string[] {
  if (value.length <= 253 && isSubdomainShape(value)) return fine;
  const messages: string[] = [];
  if (value.length > 253) messages.push(maxLengthMessage(253));
  if (!isSubdomainShape(value)) messages.push(patternMessage(subdomainHint, subdomainFormat, 'example.com'));
  return messages;
}

/** RFC 1035 label: as a label, but begins with a letter. */
export function checkLabel1035(value: string): readonly string[] {
  if (value.length <= 63 && label1035.test(value)) return fine;
  const messages: string[] = [];
  if (value.length > 63) messages.push(maxLengthMessage(63));
  if (!label1035.test(value)) messages.push(patternMessage(label1035Hint, label1035Format, 'my-name', 'abc-123'));
  return messages;
}

/** `*.example.com`. */
export function checkWildcardSubdomain(value: string): readonly string[] {
  const messages: string[] = [];
  if (value.length > 253) messages.push(maxLengthMessage(253));
  if (!wildcard.test(value)) messages.push(patternMessage(wildcardHint, wildcardFormat, '*.example.com'));
  return messages;
}

/** Label keys, annotation keys, finalizers, resource names: `name` or `prefix/name`. */
export function checkQualifiedName(value: string): readonly string[] {
  const slash = value.indexOf('/');
  const name = slash < 0 ? value : value.slice(slash + 1);
  const prefix = slash < 0 ? undefined : value.slice(0, slash);
  const nameFine = name.length <= 63 && labelKey.test(name);
  if (nameFine && (prefix === undefined || (prefix !== '' && checkSubdomain(prefix).length === 0))) return fine;
  return describeQualifiedName(name, prefix);
}

function describeQualifiedName(name: string, prefix: string | undefined): string[] {
  const pattern = patternMessage(labelKeyHint, labelKeyFormat, 'MyName', 'my.name', '123-abc');
  if (name.includes('/')) {
    return [`a valid label key ${pattern} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const messages: string[] = [];
  if (prefix === '') messages.push('prefix part must be non-empty');
  else if (prefix !== undefined) messages.push(...checkSubdomain(prefix).map(message => `prefix part ${message}`));
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${maxLengthMessage(63)}`);
  if (!labelKey.test(name)) messages.push(`name part ${pattern}`);
  return messages;
}

export function checkLabelValue(value: string): readonly string[] {
  if (value === '' || (value.length <= 63 && labelKey.test(value))) return fine;
  const messages: string[] = [];
  if (value.length > 63) messages.push(maxLengthMessage(63));
  if (!labelKey.test(value)) {
    messages.push(patternMessage(labelValueHint, labelValueFormat, 'MyValue', 'my_value', '12345'));
  }
  return messages;
}

/** A name that stands in a URL path: not `.` or `..`, no slash or percent sign. */
export function checkPathSegment(value: string): readonly string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  const messages: string[] = [];
  if (value.includes('/')) messages.push("may not contain '/'");
  if (value.includes('%')) messages.push("may not contain '%'");
  return messages.length > 0 ? messages : fine;
}

/** Port names: IANA service names. */
export function checkPortName(value: string): readonly string[] {
  const messages: string[] = [];
  if (value.length > 15) messages.push(maxLengthMessage(15));
  if (!portCharacters.test(value)) {
    messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!portLetter.test(value)) messages.push('must contain at least one letter (a-z)');
  if (value.includes('--')) messages.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
}

export function checkPortNumber(value: number): readonly string[] {
  return value >= 1 && value <= 65535 ? fine : ['must be between 1 and 65535, inclusive'];
}

/** Environment variable names: printable ASCII without `=`. */
export function checkEnvName(value: string): readonly string[] {
  if (printableNoEquals.test(value)) return fine;
  if (value === '') return ['environment variable name must be non-empty'];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Keys of ConfigMaps and Secrets. */
export function checkConfigKey(value: string): readonly string[] {
  if (value.length <= 253 && configKey.test(value) && !value.startsWith('.')) return fine;
  const messages: string[] = [];
  if (value.length > 253) messages.push(maxLengthMessage(253));
  if (!configKey.test(value)) {
    const hint = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    messages.push(patternMessage(hint, configKeyFormat, 'key.name', 'KEY_NAME', 'key-name'));
  }
  if (value === '.' || value === '..') messages.push(`must not be '${value}'`);
  else if (value.startsWith('..')) messages.push("must not start with '..'");
  return messages;
}

export function checkHeaderName(value: string): readonly string[] {
  if (header.test(value)) return fine;
  const hint = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [patternMessage(hint, headerFormat, 'X-Header-Name')];
}

export function checkIdentifier(value: string): readonly string[] {
  if (identifier.test(value)) return fine;
  const hint =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return [patternMessage(hint, identifierFormat, 'my_name', 'MY_NAME', 'MyName')];
}

export function checkPercent(value: string): readonly string[] {
  if (percent.test(value)) return fine;
  const hint = "a valid percent string must be a numeric string followed by an ending '%'";
  return [patternMessage(hint, percentFormat, '1%', '93%')];
}

/** True for labels between dots, of any length: one pass, no backtracking. */
function isSubdomainShape(value: string): boolean {
  if (!value.includes('.')) return label.test(value);
  return value.split('.').every(part => label.test(part));
}
