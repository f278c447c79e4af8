import type { User } from '../user.ts';

/** The headers by which a front proxy tells a server behind it who asks (upstream's defaults for --requestheader-*). */
export const identityHeaders = {
  user: 'X-Remote-User',
  uid: 'X-Remote-Uid',
  group: 'X-Remote-Group',
  extraPrefix: 'X-Remote-Extra-',
} as const;

const names = [identityHeaders.user, identityHeaders.uid, identityHeaders.group].map(name => name.toLowerCase());
const extraPrefix = identityHeaders.extraPrefix.toLowerCase();

/** Whether a header is one that only the front proxy may set: whatever a client sent under it is dropped. */
export function isIdentityHeader(name: string): boolean {
  return names.includes(name) || name.startsWith(extraPrefix);
}

/** What the server behind is told; several groups are several headers. */
export function toIdentityHeaders(user: User): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { [identityHeaders.user]: toHeaderValue(user.name) };
  if (user.uid) headers[identityHeaders.uid] = toHeaderValue(user.uid);
  if (user.groups.length > 0) headers[identityHeaders.group] = user.groups.map(toHeaderValue);
  for (const [key, values] of Object.entries(user.extra ?? {})) {
    if (values.length > 0) headers[`${identityHeaders.extraPrefix}${escapeKey(key)}`] = values.map(toHeaderValue);
  }
  return headers;
}

/** Bytes that a header name may have, but for the percent sign, which begins an escape. */
const plain = /[A-Za-z0-9!#$&'*+.^_`|~-]/;

/** Keys of extra are any text: what no header name may hold is percent-encoded (client-go's transport.headerKeyEscape). */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map(byte => {
      const character = String.fromCharCode(byte);
      return plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

/** Headers are strings of bytes here, as Node takes them. Line breaks would end the header: no user may bring one. */
function toHeaderValue(text: string): string {
  return Buffer.from(text.replace(/[\r\n]/g, ' ')).toString('latin1');
}
