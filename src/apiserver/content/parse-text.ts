import type { Decoder, FieldValidation, RawText } from '#api';
import { DecodeError, parseBodySteps, parseJsonSteps } from '#api';
import type { Turn } from '#base';
import { inTurns } from '#base';
import type { Core } from '../core.ts';

/** Longer texts in YAML take more than a turn of the event loop may: some 50 KB are read in 50 ms. */
const maxYamlHere = 16 * 1024;

/** A text whose reading takes so long that it is done in the worker thread. JSON is YAML, and read at once. */
export function isLongYaml(text: string, format: 'json' | 'yaml'): boolean {
  return format === 'yaml' && text.length > maxYamlHere;
}

export interface ParseOptions {
  readonly format: 'json' | 'yaml';
  readonly validation: FieldValidation;
  /** Of a long text. */
  readonly turn?: Turn | undefined;
}

async function parseJson(decoder: Decoder, text: string, { validation, turn }: ParseOptions): Promise<RawText> {
  return turn ? inTurns(turn, parseBodySteps(text, validation)) : decoder.parse(text, 'json', validation);
}

/** `Decoder.parse`, wherever it does not hold up others. Rejects with DecodeError. */
export async function parseText(
  { decoder, thread }: Pick<Core, 'decoder' | 'thread'>,
  text: string,
  options: ParseOptions,
): Promise<RawText> {
  const { format, validation } = options;
  if (!isLongYaml(text, format)) {
    return format === 'json' ? parseJson(decoder, text, options) : decoder.parse(text, format, validation);
  }
  if (text.startsWith('{"')) {
    try {
      return await parseJson(decoder, text, options);
    } catch (cause) {
      // Then it is YAML, or nothing at all.
      if (!(cause instanceof DecodeError)) throw cause;
    }
  }
  const { json, duplicates } = await thread.run('yaml', { text });
  const value = options.turn ? await inTurns(options.turn, parseJsonSteps(json)) : JSON.parse(json);
  return { value, duplicates };
}
