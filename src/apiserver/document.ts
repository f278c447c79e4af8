import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A file that the server was told to use and cannot; the message names file, field and what would be right. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
}

/** One value of a configuration file, which knows where it stands, so that every complaint names file and field. */
export interface Field {
  /** `rules[0].level`. */
  readonly path: string;
  readonly value: unknown;
  /** Absent and null are the same. */
  readonly isSet: boolean;
  /** Never returns: the error about this field. */
  fail(what: string): never;
  /** The same without the value: for secrets. */
  failHidden(what: string): never;
  text(): string;
  /** The text, or the fallback when absent; must be one of `allowed` when given. */
  oneOf<T extends string>(allowed: readonly T[], fallback?: T): T;
  flag(fallback?: boolean): boolean;
  integer(fallback?: number): number;
  texts(): readonly string[];
  list(): readonly Field[];
  /** Its members; those that `known` does not name are errors, as upstream's strict decoding has it. */
  members<K extends string>(...known: readonly K[]): Readonly<Record<K, Field>>;
}

export interface DocumentSpec {
  readonly kind: string;
  readonly apiVersions: readonly string[];
}

/** Reads a YAML or JSON file of the given kind. Throws DocumentError. */
export function readDocument(path: string, spec: DocumentSpec): Field {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DocumentError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseDocument(path, text, spec);
}

/** The same from text; `path` is for messages. */
export function parseDocument(path: string, text: string, spec: DocumentSpec): Field {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new DocumentError(`${path}: is not YAML: ${(cause as Error).message.split('\n')[0]}`, { cause });
  }
  const document = createField(path, '', value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) document.fail('must be an object');
  const { kind, apiVersion } = value as Record<string, unknown>;
  if (kind !== spec.kind) createField(path, 'kind', kind).fail(`must be ${spec.kind}`);
  if (!spec.apiVersions.includes(String(apiVersion))) {
    createField(path, 'apiVersion', apiVersion).fail(`must be ${spec.apiVersions.join(' or ')}`);
  }
  return document;
}

/** One YAML document as a value; throws Error for what is none. */
export function parseYamlText(text: string): unknown {
  return parse(text);
}

function createField(file: string, path: string, raw: unknown): Field {
  const value = raw ?? undefined;
  const failHidden = (what: string): never => {
    throw new DocumentError(`${file}: ${path ? `${path}: ` : ''}${what}`);
  };
  const fail = (what: string): never => {
    const isShown = value !== undefined && typeof value !== 'object';
    return failHidden(isShown ? `${what}, not ${JSON.stringify(value)}` : what);
  };
  const list = (): readonly Field[] => {
    if (value === undefined) return [];
    if (!Array.isArray(value)) return fail('must be a list');
    return value.map((item, index) => createField(file, `${path}[${index}]`, item));
  };
  const field: Field = {
    path,
    value,
    isSet: value !== undefined,
    fail,
    failHidden,
    text: () => (typeof value === 'string' && value !== '' ? value : fail('must be a text that is not empty')),
    oneOf(allowed, fallback) {
      if (value === undefined && fallback !== undefined) return fallback;
      const found = allowed.find(one => one === value);
      return found ?? fail(`must be one of ${allowed.join(', ')}`);
    },
    flag(fallback = false) {
      if (value === undefined) return fallback;
      return typeof value === 'boolean' ? value : fail('must be true or false');
    },
    integer(fallback) {
      if (value === undefined && fallback !== undefined) return fallback;
      return Number.isSafeInteger(value) ? (value as number) : fail('must be a whole number');
    },
    texts: () => list().map(item => (typeof item.value === 'string' ? item.value : item.fail('must be a text'))),
    list,
    members<K extends string>(...known: readonly K[]) {
      if (typeof value !== 'object' || Array.isArray(value)) return fail('must be an object');
      const members = value as Record<string, unknown>;
      const at = (name: string) => (path ? `${path}.${name}` : name);
      for (const name of Object.keys(members)) {
        const isKnown = known.includes(name as K) || (path === '' && (name === 'kind' || name === 'apiVersion'));
        if (!isKnown) throw new DocumentError(`${file}: ${at(name)}: no such field; there are ${known.join(', ')}`);
      }
      return Object.fromEntries(known.map(name => [name, createField(file, at(name), members[name])])) as Record<
        K,
        Field
      >;
    },
  };
  return field;
}
