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
    throw invalidToken(`server does not recognize this encoded version ${JSON.stringify(token.v ?? '')}`);
  if (typeof token.rv !== 'number' || token.rv === 0) {
    throw invalidToken('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof token.start !== 'string' || token.start === '') {
    throw invalidToken('encoded start key empty (version meta.k8s.io/v1)');
  }
  return { revision: token.rv, start: token.start };
}

function decode(text: string): { v?: unknown; rv?: unknown; start?: unknown } {
  if (!/^[\w-]*$/.test(text)) throw invalidToken('the value is not a valid encoding');
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw invalidToken('the value is not a valid encoding');
}

function invalidToken(why: string) {
  return badRequest(`invalid continue token: ${why}`);
}
