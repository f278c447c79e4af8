import { formatNames, type NamedFormat, namedFormat } from './named-formats.ts';
import type { Library, Row } from './signature.ts';
import { ArrayList, type CelOpaque, CelOptional, optionalNone } from './values.ts';

function validate({ content }: CelOpaque, text: string): CelOptional {
  const messages = (content as NamedFormat).check(text);
  return messages.length === 0 ? optionalNone : new CelOptional(new ArrayList([...messages]));
}

function byName(name: string): CelOptional {
  const format = namedFormat(name);
  return format === undefined ? optionalNone : new CelOptional(format);
}

const getter = (name: string): readonly Row[] => [[`format.${name}`, '() -> Format', () => namedFormat(name)]];

/** Kubernetes' format library. */
export const formats: Library = {
  validate: [['format-validate', 'Format.(string) -> optional<list<string>>', validate]],
  'format.named': [['format-named', '(string) -> optional<Format>', byName]],
  ...Object.fromEntries(formatNames.map(name => [`format.${name}`, getter(name)])),
};
