import type { FieldValidation, RawText } from '#api';
import { DecodeError, parseBodySteps, parseJsonSteps } from '#api';
import { inTurns } from '#base';
import type { Target } from '../verbs/target.ts';

/** Longer texts in YAML take more than a turn of the event loop may: some 50 KB are read in 50 ms. */
const maxYamlHere = 16 * 1024;

/** A text whose reading takes so long that it is done in the worker thread. JSON is YAML, and read at once. */
export function isLongYaml(text: string, format: 'json' | 'yaml'): boolean {
  return format === 'yaml' && text.length > maxYamlHere;
}

/** Long texts are read in turns of the exchange, those that go to a thread on its user's account. */
type Asked = Pick<Target, 'core' | 'exchange'>;

export interface ParseOptions {
  readonly format: 'json' | 'yaml';
  readonly validation: FieldValidation;
}

async function parseJson(
  { core, exchange: { turn } }: Asked,
  text: string,
  validation: FieldValidation,
): Promise<RawText> {
  return turn ? inTurns(turn, parseBodySteps(text, validation)) : core.decoder.parse(text, 'json', validation);
}

/** `Decoder.parse`, wherever it does not hold up others. Rejects with DecodeError. */
export async function parseText(asked: Asked, text: string, { format, validation }: ParseOptions): Promise<RawText> {
  const { core, exchange } = asked;
  if (!isLongYaml(text, format)) {
    return format === 'json' ? parseJson(asked, text, validation) : core.decoder.parse(text, format, validation);
  }
  if (text.startsWith('{"')) {
    try {
      return await parseJson(asked, text, validation);
    } catch (cause) {
      // Then it is YAML, or nothing at all.
      if (!(cause instanceof DecodeError)) throw cause;
    }
  }
  const { json, duplicates } = await core.threads.run('yaml', { text }, exchange.user.name);
  const value = exchange.turn ? await inTurns(exchange.turn, parseJsonSteps(json)) : JSON.parse(json);
  return { value, duplicates };
}
