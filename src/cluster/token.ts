import { readFileSync } from 'node:fs';
import type { Random } from '#base';
import { authorityHash, writeFileAtomic } from './certificates.ts';

/** What a join token says. The hash pins the server's authority: a joiner that sees another one stops before it sends the secret. */
export interface JoinToken {
  /** SHA-256 of the authority's certificate file, hex; undefined in a short token. */
  caHash: string | undefined;
  /** `server`, or the id of a bootstrap token. */
  user: string;
  secret: string;
}

/**
 * `K10<hash>::<user>:<secret>`, K3s' format, or `K10<hash>::<id>.<secret>` for a bootstrap token; a short token is the secret alone. Undefined when it is
 * none of these.
 */
export function parseToken(text: string): JoinToken | undefined {
  const full = /^K10([0-9a-f]{64})::(?:([^:.]+):(.+)|([a-z0-9]{6})\.([a-z0-9]{16}))$/.exec(text.trim());
  if (full) return { caHash: full[1]!, user: (full[2] ?? full[4])!, secret: (full[3] ?? full[5])! };
  const short = text.trim();
  const bootstrap = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(short);
  if (bootstrap) return { caHash: undefined, user: bootstrap[1]!, secret: bootstrap[2]! };
  return short === '' || short.includes('::') ? undefined : { caHash: undefined, user: 'server', secret: short };
}

export function formatToken(token: { authority: string; user: string; secret: string }): string {
  return `K10${authorityHash(token.authority)}::${token.user}:${token.secret}`;
}

/** The token as `wherry token create` shows it. */
export function formatBootstrapToken(token: { authority: string; id: string; secret: string }): string {
  return `K10${authorityHash(token.authority)}::${token.id}.${token.secret}`;
}

/** The server's token: the configured secret, or the one in the file, or a new one; the file then holds it in full. */
export function ensureServerToken(options: {
  path: string;
  configured: string;
  authority: string;
  random: Random;
}): string {
  const known = options.configured || readIfThere(options.path);
  const secret = known ? parseToken(known)?.secret : undefined;
  const token = formatToken({
    authority: options.authority,
    user: 'server',
    secret: secret ?? Buffer.from(options.random.bytes(16)).toString('hex'),
  });
  if (readIfThere(options.path) !== token) writeFileAtomic(options.path, `${token}\n`, 0o600);
  return token;
}

/** The token of the options, of the file that they name, or of the data folder; undefined when there is none. */
export function knownToken(
  config: { readonly token: string; readonly 'token-file': string },
  path: string,
): JoinToken | undefined {
  const given = config.token || (config['token-file'] && readIfThere(config['token-file']));
  return parseToken(given || readIfThere(path));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
