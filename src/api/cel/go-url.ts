/** A text that is no URL; the message is Go's: `parse "x": invalid URI for request`. */
export class UrlProblem extends Error {}

/** A URL as Go's net/url splits it: nothing is normalised but the scheme's case. */
export interface GoUrl {
  readonly scheme: string;
  /** With the port. */
  readonly host: string;
  /** As written where that is valid, else escaped. */
  readonly path: string;
  readonly query: string;
  readonly text: string;
}

/** Reads an absolute URL or path, as `url.ParseRequestURI` takes it, a fragment cut off; throws `UrlProblem`. */
export function parseUrl(text: string): GoUrl {
  const wrong = (detail: string): never => {
    throw new UrlProblem(`parse ${JSON.stringify(text)}: ${detail}`);
  };
  if (text === '') wrong('empty url');
  if (/[\x00-\x1f\x7f]/.test(text)) wrong('net/url: invalid control character in URL');
  const { scheme, rest } = splitScheme(text, wrong);
  const hash = rest.indexOf('#');
  const plain = hash < 0 ? rest : rest.slice(0, hash);
  const question = plain.indexOf('?');
  const before = question < 0 ? plain : plain.slice(0, question);
  const query = question < 0 ? '' : plain.slice(question + 1);
  // Without a slash after the scheme the rest is opaque: `mailto:a@b`.
  if (!before.startsWith('/') && scheme !== '') return { scheme, host: '', path: '', query, text };
  if (!before.startsWith('/')) wrong('invalid URI for request');
  if (!before.startsWith('//') || (scheme === '' && before.startsWith('///'))) {
    return { scheme, host: '', path: escapedPath(before, wrong), query, text };
  }
  const slash = before.indexOf('/', 2);
  const authority = before.slice(2, slash < 0 ? undefined : slash);
  const path = slash < 0 ? '' : before.slice(slash);
  return { scheme, host: hostOf(authority, wrong), path: escapedPath(path, wrong), query, text };
}

function splitScheme(text: string, wrong: (detail: string) => never): { scheme: string; rest: string } {
  if (text.startsWith(':')) wrong('missing protocol scheme');
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text);
  if (match !== null) return { scheme: match[1]!.toLowerCase(), rest: text.slice(match[0].length) };
  if (/^[0-9+.-][a-zA-Z0-9+.-]*:/.test(text)) wrong('first path segment in URL cannot contain colon');
  return { scheme: '', rest: text };
}

function checkEscapes(text: string, wrong: (detail: string) => never): void {
  const bad = /%(?![0-9a-fA-F]{2})[\s\S]{0,2}/.exec(text);
  if (bad !== null) wrong(`invalid URL escape ${JSON.stringify(bad[0])}`);
}

function escapedPath(path: string, wrong: (detail: string) => never): string {
  checkEscapes(path, wrong);
  return path.replace(/[^A-Za-z0-9\-_.~!$&'()*+,;=:@/%[\]]/gu, point => encodeURIComponent(wellFormed(point)));
}

/** Lone surrogates cannot be encoded. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : '\ufffd';
}

function hostOf(authority: string, wrong: (detail: string) => never): string {
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) {
    wrong('net/url: invalid userinfo');
  }
  if (host.startsWith('[')) {
    const close = host.lastIndexOf(']');
    if (close < 0) wrong("missing ']' in host");
    checkPort(host.slice(close + 1), wrong);
    return host;
  }
  const colon = host.lastIndexOf(':');
  if (colon >= 0) checkPort(host.slice(colon), wrong);
  checkEscapes(host, wrong);
  const bad = /[ "<>\\^`{|}]/.exec(host);
  if (bad !== null) wrong(`invalid character ${JSON.stringify(bad[0])} in host name`);
  return host;
}

function checkPort(text: string, wrong: (detail: string) => never): void {
  if (!/^(:\d*)?$/.test(text)) wrong(`invalid port ${JSON.stringify(text)} after host`);
}

/** The host without port and brackets. */
export function hostnameOf({ host }: GoUrl): string {
  if (host.startsWith('[')) return host.slice(1, host.lastIndexOf(']'));
  const colon = host.indexOf(':');
  return colon < 0 ? host : host.slice(0, colon);
}

export function portOf({ host }: GoUrl): string {
  return /:(\d*)$/.exec(host.slice(host.lastIndexOf(']') + 1))?.[1] ?? '';
}

/** Keys and values in order; pairs that do not decode are left out. */
export function queryOf({ query }: GoUrl): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const key = unescapeQuery(equals < 0 ? pair : pair.slice(0, equals));
    const value = unescapeQuery(equals < 0 ? '' : pair.slice(equals + 1));
    if (key === undefined || value === undefined) continue;
    const values = result.get(key);
    if (values === undefined) result.set(key, [value]);
    else values.push(value);
  }
  return result;
}

function unescapeQuery(text: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes = text
    .replaceAll('+', ' ')
    .replace(/(%[0-9a-fA-F]{2})+/g, run => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
  return bytes;
}
