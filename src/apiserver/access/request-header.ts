import type { PeerCertificate } from 'node:tls';
import type { Clock } from '#base';
import type { Request } from '#wire';
import type { User } from '../user.ts';
import { createCertificateAuthenticator } from './client-certificate.ts';

/** Which front proxies are believed (upstream's --requestheader-* options, whose header names are the usual ones here). */
export interface RequestHeaderOptions {
  /** PEM of the authorities that sign the certificates of front proxies. */
  readonly ca: string;
  /** Common names that those may have; empty: any. */
  readonly allowedNames: readonly string[];
}

const extraPrefix = 'x-remote-extra-';

/**
 * The user whom a front proxy names in X-Remote-User, -Uid, -Group and -Extra-*; undefined without such a name, and when the certificate is no front proxy's:
 * then the headers mean nothing.
 */
export function createRequestHeaderAuthenticator(
  options: RequestHeaderOptions & { clock: Clock },
): (request: Request, certificate: PeerCertificate) => User | undefined {
  const verify = createCertificateAuthenticator({ authorities: options.ca, clock: options.clock });
  const isFrontProxy = (certificate: PeerCertificate): boolean => {
    try {
      const proxy = verify(certificate);
      return proxy !== undefined && (options.allowedNames.length === 0 || options.allowedNames.includes(proxy.name));
    } catch {
      // Somebody else's certificate: whether it is good is another authenticator's question.
      return false;
    }
  };
  return (request, certificate) => {
    if (!request.headers['x-remote-user'] || !isFrontProxy(certificate)) return undefined;
    const values = valuesByName(request);
    const name = values.get('x-remote-user')?.find(Boolean);
    if (!name) return undefined;
    const uid = values.get('x-remote-uid')?.find(Boolean);
    return { name, ...(uid && { uid }), groups: values.get('x-remote-group') ?? [], extra: extraOf(values) };
  };
}

/** Each header's values apart: joined by commas, a group with a comma in its name would be two groups. */
function valuesByName({ headers, rawHeaders }: Request): ReadonlyMap<string, string[]> {
  const values = new Map<string, string[]>();
  const add = (name: string, value: string) => {
    const key = name.toLowerCase();
    if (!key.startsWith('x-remote-')) return;
    values.set(key, [...(values.get(key) ?? []), Buffer.from(value, 'latin1').toString('utf8')]);
  };
  if (rawHeaders) for (let at = 0; at + 1 < rawHeaders.length; at += 2) add(rawHeaders[at]!, rawHeaders[at + 1]!);
  else for (const [name, value] of Object.entries(headers)) if (value !== undefined) add(name, value);
  return values;
}

/** Keys are percent-encoded; what is not encoded rightly stays as it is (as upstream). */
function extraOf(values: ReadonlyMap<string, string[]>): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const [name, list] of values) {
    if (!name.startsWith(extraPrefix)) continue;
    const key = name.slice(extraPrefix.length);
    try {
      extra[decodeURIComponent(key)] = list;
    } catch {
      // No percent-encoding: a key as it stands.
      extra[key] = list;
    }
  }
  return extra;
}
