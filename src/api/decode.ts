import { parse } from 'yaml';
import { duplicateKeys, parseJson, SyntaxProblem } from './json.ts';
import type { TypeNode } from './scheme.ts';
import { createShapeCheck, ShapeError } from './shape.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface Decoded {
  /** Of the right shape, without unknown fields; belongs to the caller. */
  object: Record<string, unknown>;
  /** With `Warn`: `unknown field "spec.foo"`, `duplicate field "spec.foo"`. */
  warnings: string[];
}

/** A body that cannot be taken: 400. The message is upstream's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

export type BodyFormat = 'json' | 'yaml';

export interface Decoder {
  /** Text to a plain value, with the duplicates found in it. Throws DecodeError. */
  parse(text: string, format: BodyFormat, validation: FieldValidation): { value: unknown; duplicates: string[] };
  /**
   * Checks a parsed value against a type, in place. `what` names it in messages: `Deployment in version "v1"`. Throws DecodeError for wrong types, and with
   * `Strict` for unknown or duplicate fields.
   */
  check(
    parsed: { value: unknown; duplicates: string[] },
    type: TypeNode,
    options: { what: { kind: string; version: string }; validation: FieldValidation },
  ): Decoded;
}

/** Reports of unknown fields stop here: a hostile body must not grow the answer. */
const maxReports = 100;

/** Compiled checks are kept as long as the decoder. */
export function createDecoder(): Decoder {
  const checkShape = createShapeCheck();
  return {
    parse(text, format, validation) {
      try {
        if (format === 'yaml') return { value: parseYaml(text), duplicates: [] };
        const value = parseJson(text);
        return { value, duplicates: validation === 'Ignore' ? [] : duplicateKeys(text) };
      } catch (cause) {
        if (cause instanceof SyntaxProblem) throw new DecodeError(cause.message, { cause });
        throw cause;
      }
    },
    check({ value, duplicates }, type, { what, validation }) {
      const reports = duplicates.map(path => `duplicate field "${path}"`);
      const onUnknown = (path: string) => void (reports.length < maxReports && reports.push(`unknown field "${path}"`));
      try {
        const object = checkShape(value, type, onUnknown) as Record<string, unknown>;
        if (validation === 'Strict' && reports.length)
          throw new DecodeError(`strict decoding error: ${reports.join(', ')}`);
        return { object, warnings: validation === 'Warn' ? reports : [] };
      } catch (cause) {
        if (!(cause instanceof ShapeError) && !(cause instanceof DecodeError)) throw cause;
        throw new DecodeError(
          `${what.kind} in version "${what.version}" cannot be handled as a ${what.kind}: ${cause.message}`,
          { cause },
        );
      }
    },
  };
}

/** One YAML document, YAML 1.2 with JSON's types; no custom tags, aliases bounded. */
function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, merge: true });
  } catch (cause) {
    throw new DecodeError(`error converting YAML to JSON: yaml: ${(cause as Error).message.split('\n')[0]}`, { cause });
  }
}
