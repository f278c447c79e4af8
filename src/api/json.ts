import { atOnce } from '#base';
import { parseJsonSteps } from './json-steps.ts';
import { describeJsonProblem } from './json-syntax.ts';

/** A body that is not JSON, or too deep; the message is for the user. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
}

/** Deeper documents than any manifest are an attack on the stack (upstream's limit is the same number). */
const maxDepth = 10_000;

/** Parses one JSON document. Throws SyntaxProblem. */
export function parseJson(text: string): unknown {
  atOnce(checkDepth(text));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxProblem(describeJsonProblem(text), { cause });
  }
}

/** The same in steps, for long texts. */
export function* parseJsonInSteps(text: string): Generator<void, unknown> {
  yield* checkDepth(text);
  yield;
  try {
    return yield* parseJsonSteps(text);
  } catch (cause) {
    throw new SyntaxProblem(describeJsonProblem(text), { cause });
  }
}

/** Characters that are looked at between two steps: some tenths of a millisecond. */
const depthStep = 128 * 1024;

function* checkDepth(text: string): Generator<void, void> {
  // Cheap test first: a document with few opening brackets cannot be deep.
  if (text.length < maxDepth) return;
  let depth = 0;
  let inString = false;
  let next = depthStep;
  for (let at = 0; at < text.length; at++) {
    if (at >= next) {
      next = at + depthStep;
      yield;
    }
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 92) at++;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) {
      if (++depth > maxDepth) throw new SyntaxProblem('exceeded max depth');
    } else if (code === 125 || code === 93) depth--;
  }
}

/** Paths of keys that stand twice in one object, which JSON.parse forgives: `spec.replicas`. The text must be valid JSON. */
export function duplicateKeys(text: string): string[] {
  const steps = duplicateKeySteps(text);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Characters between two steps: some tenths of a millisecond. */
const stepLength = 16 * 1024;

/** The same in steps, for long texts. */
export function* duplicateKeySteps(text: string): Generator<void, string[]> {
  const duplicates: string[] = [];
  /** For each open container: its keys and the newest one, or the index of a list. */
  const stack: { keys: Set<string> | undefined; step: string; index: number }[] = [];
  let expectKey = false;
  let next = stepLength;
  for (let at = 0; at < text.length; at++) {
    if (at >= next) {
      next = at + stepLength;
      yield;
    }
    const code = text.charCodeAt(at);
    const top = stack[stack.length - 1];
    if (code === 34) {
      const end = stringEnd(text, at);
      if (expectKey && top?.keys) {
        const raw = text.slice(at + 1, end);
        const key = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
        top.step = key;
        if (top.keys.has(key)) duplicates.push(pathOf(stack));
        top.keys.add(key);
        expectKey = false;
      }
      at = end;
    } else if (code === 123) {
      stack.push({ keys: new Set(), step: '', index: 0 });
      expectKey = true;
    } else if (code === 91) {
      stack.push({ keys: undefined, step: '', index: 0 });
      expectKey = false;
    } else if (code === 125 || code === 93) {
      stack.pop();
      expectKey = false;
    } else if (code === 44 && top) {
      if (top.keys) expectKey = true;
      else top.index++;
    }
  }
  return duplicates;
}

function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === 92) slashes++;
  return slashes % 2 === 1;
}

function pathOf(stack: readonly { keys: Set<string> | undefined; step: string; index: number }[]): string {
  return stack.reduce(
    (path, level) => (level.keys ? `${path}${path ? '.' : ''}${level.step}` : `${path}[${level.index}]`),
    '',
  );
}
