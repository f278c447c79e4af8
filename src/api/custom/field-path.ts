import { propertyOf, type Schema, valuesOf } from './schema.ts';

/** Where a path leads in a schema, or why it leads nowhere. */
export type FieldPath =
  | { readonly path: string; readonly root: string; readonly schema: Schema }
  | { readonly error: string };

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

/** Reads `.a.b['c']`: only members and keys of maps that the schema has. Source: ValidFieldPath of pkg/apiserver/schema/cel/validation.go. */
export function readFieldPath(text: string, schema: Schema, { allowBrackets = true } = {}): FieldPath {
  const tokens = tokensOf(text);
  let at: Step = { path: '', root: '', schema };
  for (let index = 0; index < tokens.length; ) {
    const token = tokens[index++]!;
    let name: string | undefined;
    if (token === '[') {
      if (!allowBrackets) return { error: 'array notation is not allowed' };
      const quoted = tokens[index++];
      if (quoted === undefined) return { error: 'unexpected end of JSON path' };
      if (!/^'.*'$/s.test(quoted) || quoted.length < 2)
        return { error: `expected single quoted string but got ${quoted}` };
      const wrong = /\\([^abfnrtv'\\])/s.exec(quoted);
      if (wrong) return { error: `invalid string literal: invalid escape char ${wrong[0]}` };
      name = quoted.slice(1, -1).replace(/\\(.)/gs, (_all, char: string) => escapes[char]!);
      const next = stepTo(at, name);
      if (!next) return { error: 'does not refer to a valid field' };
      at = next;
      const close = tokens[index++];
      if (close === undefined) return { error: 'unexpected end of JSON path' };
      if (close !== ']') return { error: `expected ] but got ${close}` };
    } else if (token === '.') {
      name = tokens[index++];
      if (name === undefined) return { error: 'unexpected end of JSON path' };
      const next = stepTo(at, name);
      if (!next) return { error: 'does not refer to a valid field' };
      at = next;
    } else return { error: `expected [ or . but got: ${token}` };
  }
  return at;
}

interface Step {
  readonly path: string;
  readonly root: string;
  readonly schema: Schema;
}

function stepTo({ path, root, schema }: Step, name: string): Step | undefined {
  if (schema.properties) {
    const property = propertyOf(schema, name);
    return property && { path: path ? `${path}.${name}` : name, root: root || name, schema: property };
  }
  if (schema.additionalProperties === undefined) return undefined;
  return { path: `${path}[${name}]`, root: root || `[${name}]`, schema: valuesOf(schema) ?? {} };
}

/** `.`, `[`, `]`, quoted texts, and everything between them. */
function tokensOf(text: string): string[] {
  return text.match(/[.[\]]|'(?:\\.|[^'\\])*'|[^.[\]]+/gs) ?? [];
}
