import { readFile } from 'node:fs/promises';
import type { Clock } from '#base';
import { ClientError } from './errors.ts';
import type { ServerAccess } from './server-access.ts';

/** Upstream reads token files again after a minute. */
const rereadMs = 60_000;

/**
 * Yields the Authorization header, or undefined when there is no token. A file that cannot be read any more leaves the last token in use;
 * one that never could is ClientError `configuration`.
 */
export function createTokenSource(access: ServerAccess, clock: Clock): () => Promise<string | undefined> {
  let [token, readAtMs] = [access.token, Number.NEGATIVE_INFINITY];
  return async () => {
    if (access.tokenFile && clock.monotonicMs() - readAtMs >= rereadMs) {
      try {
        token = (await readFile(access.tokenFile, 'utf8')).trim();
        readAtMs = clock.monotonicMs();
      } catch (cause) {
        if (!token) throw new ClientError('configuration', `cannot read the token file ${access.tokenFile}`, { cause });
      }
    }
    return token ? `Bearer ${token}` : undefined;
  };
}
