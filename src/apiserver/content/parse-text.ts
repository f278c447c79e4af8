import type { FieldValidation, RawText } from '#api';
import { DecodeError } from '#api';
import type { Core } from '../core.ts';

/** Longer texts in YAML take more than a turn of the event loop may: some 50 KB are read in 50 ms. */
const maxYamlHere = 16 * 1024;

/** A text whose reading takes so long that it is done in the worker thread. JSON is YAML, and read at once. */
export function isLongYaml(text: string, format: 'json' | 'yaml'): boolean {
  return format === 'yaml' && text.length > maxYamlHere;
}

/** `Decoder.parse`, wherever it does not hold up others. Rejects with DecodeError. */
export async function parseText(
  { decoder, thread }: Pick<Core, 'decoder' | 'thread'>,
  text: string,
  { format, validation }: { format: 'json' | 'yaml'; validation: FieldValidation },
): Promise<RawText> {
  if (!isLongYaml(text, format)) return decoder.parse(text, format, validation);
  if (text.startsWith('{"')) {
    try {
      return decoder.parse(text, 'json', validation);
    } catch (cause) {
      // Then it is YAML, or nothing at all.
      if (!(cause instanceof DecodeError)) throw cause;
    }
  }
  const { json, duplicates } = await thread.run('yaml', { text });
  return { value: JSON.parse(json), duplicates };
}
