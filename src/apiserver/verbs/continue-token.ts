import { posix } from 'node:path';
import { describeJsonProblem } from '#api';
import { badRequest } from '../errors.ts';

/** Where a list goes on. */
export interface ContinueToken {
  /** The state that the first page showed; -1: whatever there is now. */
  readonly revision: number;
  /** First key of the next page, within what is listed. */
  readonly start: string;
}

const version = 'meta.k8s.io/v1';

/** Upstream's token: base64url of JSON, opaque to clients. */
export function formatContinueToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: version, rv: token.revision, start: token.start })).toString('base64url');
}

/** Throws 400 for anything that formatContinueToken did not make. */
export function parseContinueToken(text: string): ContinueToken {
  const token = decode(text);
  if (token.v !== version)
    throw invalidToken(`: server does not recognize this encoded version ${String(token.v ?? '')}`);
  if (token.rv === 0 || token.rv === undefined) {
    throw invalidToken(': incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (token.start === '' || token.start === undefined) {
    throw invalidToken(': encoded start key empty (version meta.k8s.io/v1)');
  }
  const { rv, start } = token;
  if (!Number.isSafeInteger(rv)) {
    throw invalidToken(`: json: cannot unmarshal ${typeof rv} into Go struct field continueToken.rv of type int64`);
  }
  if (typeof start !== 'string') {
    throw invalidToken(
      `: json: cannot unmarshal ${typeof start} into Go struct field continueToken.start of type string`,
    );
  }
  // As upstream: a key that leads out of what is listed.
  if (posix.normalize(`/${start}`) !== `/${start.replace(/^\//, '')}`) throw invalidToken(`: ${start}`);
  return { revision: rv as number, start };
}

function decode(text: string): { v?: unknown; rv?: unknown; start?: unknown } {
  const wrong = /[^\w-]/.exec(text);
  if (wrong || text.length % 4 === 1) {
    throw invalidToken(`: illegal base64 data at input byte ${wrong?.index ?? text.length - 1}`);
  }
  const json = Buffer.from(text, 'base64url').toString();
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalidToken(`: ${describeJsonProblem(json)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw invalidToken(': json: cannot unmarshal it into Go value of type storage.continueToken');
}

function invalidToken(why: string) {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}
