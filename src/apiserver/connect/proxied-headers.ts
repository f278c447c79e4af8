import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from '#wire';

/** Headers that speak of one connection and are not passed on (RFC 9110, 7.6.1), beside those that `Connection` names. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** What the client said to us and nobody else is to hear: who it is, and that it waits for a word before it sends its body. */
const ours = /^(?:authorization|expect|content-length|host|impersonate-.*|x-remote-(?:user|group|uid|extra-.*)|:.*)$/;
/** A token in the clothes of a sub-protocol, as browsers send it. */
const tokenProtocol = /^base64url\.bearer\.authorization\.k8s\.io\./;

/** What a request says to whoever stands behind the proxy: all but credentials and what was about its connection. The Host stays the client's, as upstream. */
export function passedOn({ headers }: Request, isUpgrade: boolean): Record<string, string> {
  const named = namedIn(headers['connection']);
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopByHop.has(name) && !named.has(name) && !ours.test(name)) passed[name] = value;
  }
  const host = headers['host'] ?? headers[':authority'];
  if (host) passed['host'] = host;
  if (isUpgrade) passed['upgrade'] = headers['upgrade']!;
  const protocols = passed['sec-websocket-protocol'];
  if (protocols !== undefined) {
    const others = protocols.split(/\s*,\s*/).filter(protocol => !tokenProtocol.test(protocol));
    if (others.length > 0) passed['sec-websocket-protocol'] = others.join(', ');
    else delete passed['sec-websocket-protocol'];
  }
  return passed;
}

/** What the answer of the target says to the client. Cookies stand apart: several cannot be one header. */
export function answered(headers: IncomingHttpHeaders): { headers: Record<string, string>; cookies?: string[] } {
  const named = namedIn(headers.connection);
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'set-cookie' || hopByHop.has(name) || named.has(name)) continue;
    passed[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const cookies = headers['set-cookie'];
  return { headers: passed, ...(cookies && { cookies }) };
}

function namedIn(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? '').toLowerCase().split(/\s*,\s*/));
}
