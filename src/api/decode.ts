import { duplicateKeySteps, duplicateKeys, parseJson, parseJsonInSteps, SyntaxProblem } from './json.ts';
import type { TypeNode } from './scheme.ts';
import { createShapeCheck, ShapeError } from './shape.ts';
import { parseYaml } from './yaml.ts';

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

/** A parsed text: `duplicates` says what stood in it twice, as texts for people. */
export interface RawText {
  value: unknown;
  duplicates: string[];
}

export interface Decoder {
  /**
   * Text to a plain value, with reports of the keys that stand in it twice. Throws DecodeError whose message is that of Go's parser; what the text was to be
   * is for the caller to add.
   */
  parse(text: string, format: BodyFormat, validation: FieldValidation): RawText;
  /** Checks a parsed value against a type, in place; `fill` puts zero values where something must be (as Go). Throws DecodeError for wrong types, and with `Strict` for unknown or duplicate fields. */
  check(parsed: RawText, type: TypeNode, options: { validation: FieldValidation; fill: boolean }): Decoded;
}

/** Reports of unknown fields stop here: a hostile body must not grow the answer. */
const maxReports = 100;

/** Compiled checks are kept as long as the decoder. */
export function createDecoder(): Decoder {
  const checkShape = createShapeCheck({ fill: false });
  const fillShape = createShapeCheck({ fill: true });
  return {
    parse(text, format, validation) {
      try {
        return readText(text, format, validation);
      } catch (cause) {
        if (cause instanceof SyntaxProblem) throw new DecodeError(cause.message, { cause });
        throw cause;
      }
    },
    check({ value, duplicates }, type, { validation, fill }) {
      const reports = duplicates.slice(0, maxReports);
      const onUnknown = (path: () => string) =>
        void (reports.length < maxReports && reports.push(`unknown field "${path()}"`));
      try {
        const object = (fill ? fillShape : checkShape)(value, type, onUnknown) as Record<string, unknown>;
        if (validation === 'Strict' && reports.length)
          throw new DecodeError(`strict decoding error: ${reports.join(', ')}`);
        return { object, warnings: validation === 'Warn' ? reports : [] };
      } catch (cause) {
        throw cause instanceof ShapeError ? new DecodeError(cause.message, { cause }) : cause;
      }
    },
  };
}

function duplicateReports(text: string): string[] {
  return duplicateKeys(text).map(report);
}

function report(path: string): string {
  return `duplicate field "${path}"`;
}

/** `Decoder.parse` of a JSON text in steps: for long ones. Throws DecodeError. */
export function* parseBodySteps(text: string, validation: FieldValidation): Generator<void, RawText> {
  try {
    const value = yield* parseJsonInSteps(text);
    return { value, duplicates: validation === 'Ignore' ? [] : (yield* duplicateKeySteps(text)).map(report) };
  } catch (cause) {
    throw cause instanceof SyntaxProblem ? new DecodeError(cause.message, { cause }) : cause;
  }
}

/** YAML to a plain value, as `Decoder.parse` does. Throws DecodeError. */
export function parseYamlBody(text: string): RawText {
  try {
    return parseYaml(text);
  } catch (cause) {
    throw cause instanceof SyntaxProblem ? new DecodeError(cause.message, { cause }) : cause;
  }
}

/** Clients send JSON where YAML is asked for, because it is YAML too: the faster parser is tried first. */
function readText(text: string, format: BodyFormat, validation: FieldValidation): RawText {
  if (format === 'json') return readJson(text, validation);
  if (!text.startsWith('{"')) return parseYaml(text);
  try {
    return readJson(text, validation);
  } catch (cause) {
    if (cause instanceof SyntaxProblem) return parseYaml(text);
    throw cause;
  }
}

function readJson(text: string, validation: FieldValidation): RawText {
  return { value: parseJson(text), duplicates: validation === 'Ignore' ? [] : duplicateReports(text) };
}
