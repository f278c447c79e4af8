import type { FieldError } from '../kind.ts';
import type { Pace } from '../pace.ts';
import { formatSteps } from './prune.ts';

/** One validation of one object: where it stands, and what it found. */
export interface Run {
  readonly steps: (string | number)[];
  readonly errors: FieldError[];
  /** Checks that were made: tells which alternative of anyOf and oneOf came closest. */
  matches: number;
  readonly pace: Pace | undefined;
}

/**
 * Judges a value. `old` is what stood there before, undefined where nothing did or nobody can tell: errors of a part that has not changed
 * are dropped (ratcheting).
 */
export type Check = (value: unknown, old: unknown, run: Run) => void;

/** Enough to mend an object by, and no hostile object makes a giant answer. */
export const maxErrors = 200;

export function createRun(pace?: Pace): Run {
  return { steps: [], errors: [], matches: 0, pace };
}

/** A power of two: so many checks are made between two looks at the clock. */
const checkedMatches = 64;

/** Counts one check. */
export function countCheck(run: Run): void {
  run.matches++;
  if (run.matches % checkedMatches === 0) run.pace?.check();
}

export function pathOf(run: Run): string {
  return formatSteps(run.steps);
}

/** The name of the root in messages of upstream: a path without parts. */
export const nowhere = '<nil>';

/** Adds an error whose message is `<prefix>: <path> in body <text>`, as the OpenAPI validator has it. */
export function fail(run: Run, reason: string, value: unknown, text: string): void {
  if (run.errors.length >= maxErrors) return;
  const path = pathOf(run);
  const message = `Invalid value: ${quote(value)}: ${path} in body ${text}`;
  addError(run, { reason, field: path || nowhere, message });
}

export function addError(run: Run, error: FieldError): void {
  if (run.errors.length < maxErrors) run.errors.push(error);
}

/** Longer values do not help anybody who reads the message. */
const maxQuoted = 4096;

export function quote(value: unknown): string {
  if (value === undefined) return '""';
  const text = JSON.stringify(value);
  return text.length > maxQuoted ? `${text.slice(0, maxQuoted)}...` : text;
}

/** As Go's %v: exponents from 1e21 on and below 1e-4. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e21)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}
