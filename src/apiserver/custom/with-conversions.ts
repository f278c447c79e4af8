import type { Kind, UnknownObject } from '#api';
import { apiVersionOf } from '#api';
import type { Versions } from './versions.ts';

/** An object in another version, at once. Throws what `withConversions` catches when a webhook must be asked first. */
export type Convert = (object: UnknownObject, to: Kind) => UnknownObject;

/** A conversion that has to be waited for. */
class Missing extends Error {
  override readonly name = 'Missing';
  readonly key: string;
  readonly answer: Promise<UnknownObject>;
  constructor(key: string, answer: Promise<UnknownObject>) {
    super('a conversion has to be waited for');
    this.key = key;
    this.answer = answer;
  }
}

/** More than any set of owners needs: who converts without end must not go on without end. */
const maxConversions = 1000;

/**
 * Runs something that converts objects and cannot wait: when a webhook has to be asked, it is, and `run` is called anew from its beginning with the answer at hand.
 * So `run` must change nothing before its last conversion. Rejects when a conversion fails.
 */
export async function withConversions<T>(
  { convert }: Pick<Versions, 'convert'>,
  run: (convert: Convert) => T,
): Promise<T> {
  const known = new Map<string, UnknownObject>();
  const keyOf = (object: UnknownObject, to: Kind) => `${apiVersionOf(to)} ${JSON.stringify(object)}`;
  const atOnce: Convert = (object, to) => {
    const converted = known.size > 0 ? known.get(keyOf(object, to)) : undefined;
    if (converted) return structuredClone(converted);
    const asked = convert(object, to);
    if (!(asked instanceof Promise)) return asked;
    throw new Missing(keyOf(object, to), asked);
  };
  for (;;) {
    try {
      return run(atOnce);
    } catch (error) {
      if (!(error instanceof Missing) || known.size >= maxConversions) throw error;
      known.set(error.key, await error.answer);
    }
  }
}
