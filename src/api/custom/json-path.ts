/** Finds values in an object: all that the path leads to, none for a path that leads nowhere. */
export type JsonPath = (object: unknown) => unknown[];

/** A path that cannot be read. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

type Step = (values: readonly unknown[]) => unknown[];

/** No path yields more; recursive descent over a large object must not make giant lists. */
const maxResults = 10_000;
/** Longer ones are not written by people. */
const maxPathLength = 1024;
/** Recursive descent does not look deeper. */
const maxDescent = 200;

/**
 * Parses the paths of printer columns: `.a.b`, `['a']`, `[0]`, `[-1]`, `[1:3]`, `[*]`, `.*`, `..a`, `[?(@.type=="Ready")]`, unions; without
 * braces. A missing member is no error. Source: client-go util/jsonpath. Throws JsonPathError.
 */
export function parseJsonPath(path: string): JsonPath {
  if (path.length > maxPathLength) throw new JsonPathError(`path is longer than ${maxPathLength} characters`);
  const steps = readSteps(path);
  return object => {
    let values: unknown[] = [object];
    for (const step of steps) {
      values = step(values);
      if (values.length > maxResults) values.length = maxResults;
    }
    return values;
  };
}

function readSteps(path: string): Step[] {
  const steps: Step[] = [];
  let at = path.startsWith('$') || path.startsWith('@') ? 1 : 0;
  while (at < path.length) {
    if (path[at] === '[') {
      const end = closing(path, at);
      steps.push(readBracket(path.slice(at + 1, end).trim()));
      at = end + 1;
    } else if (path.startsWith('..', at)) {
      steps.push(descend);
      at += path[at + 2] === '[' ? 2 : 1;
    } else if (path[at] === '.') {
      const { name, end } = readName(path, at + 1);
      if (name === '*') steps.push(all);
      else if (name !== '') steps.push(member(name));
      at = end;
    } else throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(path[at])}`);
  }
  return steps;
}

/** Where the bracket that opens at a place closes; quotes hide brackets. */
function closing(path: string, start: number): number {
  let depth = 0;
  for (let at = start; at < path.length; at++) {
    const char = path[at];
    if (char === "'" || char === '"') {
      const end = path.indexOf(char, at + 1);
      if (end < 0) break;
      at = end;
    } else if (char === '[') depth++;
    else if (char === ']' && --depth === 0) return at;
  }
  throw new JsonPathError('unterminated array');
}

function readName(path: string, start: number): { name: string; end: number } {
  let name = '';
  let at = start;
  for (; at < path.length; at++) {
    const char = path[at]!;
    if (char === '\\' && at + 1 < path.length) name += path[++at]!;
    else if (char === '.' || char === '[' || char === ']') break;
    else name += char;
  }
  return { name, end: at };
}

function readBracket(text: string): Step {
  if (text === '*') return all;
  if (text.startsWith('?(') && text.endsWith(')')) return filter(text.slice(2, -1));
  const parts = text.split(/,(?=(?:[^'"]*['"][^'"]*['"])*[^'"]*$)/).map(part => part.trim());
  if (parts.length > 1) {
    const steps = parts.map(readBracket);
    return values => steps.flatMap(step => step(values));
  }
  const quoted = /^(['"])(.*)\1$/s.exec(text);
  if (quoted) return member(quoted[2]!);
  const slice = /^(-?\d*)(?::(-?\d*)(?::(-?\d*))?)?$/.exec(text);
  if (!slice || text === '') throw new JsonPathError(`invalid array index ${text}`);
  if (!text.includes(':')) return element(Number(text));
  return range({ start: slice[1], end: slice[2], step: slice[3] });
}

/** Parts before their parents' next siblings. */
const descend: Step = values => {
  const found: unknown[] = [];
  const open = values.map(value => ({ value, depth: 0 })).reverse();
  for (let next = open.pop(); next && found.length < maxResults; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    found.push(value);
    if (depth >= maxDescent) continue;
    const parts = Object.values(value) as unknown[];
    for (let index = parts.length - 1; index >= 0; index--) open.push({ value: parts[index], depth: depth + 1 });
  }
  return found;
};

const all: Step = values =>
  values.flatMap(value => (typeof value === 'object' && value !== null ? (Object.values(value) as unknown[]) : []));

function member(name: string): Step {
  return values =>
    values.flatMap(value =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
        ? [(value as Record<string, unknown>)[name]]
        : [],
    );
}

function element(index: number): Step {
  return values =>
    values.flatMap(value => {
      if (!Array.isArray(value)) return [];
      const at = index < 0 ? value.length + index : index;
      return at >= 0 && at < value.length ? [value[at]] : [];
    });
}

function range({ start, end, step }: Record<'start' | 'end' | 'step', string | undefined>): Step {
  const by = Number(step || 1);
  if (by < 1) throw new JsonPathError('step must be > 0');
  return values =>
    values.flatMap(value => {
      if (!Array.isArray(value)) return [];
      const part = value.slice(start ? Number(start) : 0, end ? Number(end) : undefined);
      return by === 1 ? part : part.filter((_item, index) => index % by === 0);
    });
}

const operators: Readonly<Record<string, (left: Scalar, right: Scalar) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '>': (left, right) => left > right,
  '<=': (left, right) => left <= right,
  '>=': (left, right) => left >= right,
};

type Scalar = string | number | boolean;

/** `@.type=="Ready"`, or `@.type`: there is such a thing. */
function filter(text: string): Step {
  const comparison = splitComparison(text);
  if (!comparison) {
    const find = parseJsonPath(text.trim());
    return values => items(values).filter(item => find(item).length > 0);
  }
  const left = operand(comparison.left);
  const right = operand(comparison.right);
  return values =>
    items(values).filter(item => {
      const a = left(item);
      const b = right(item);
      return a !== undefined && b !== undefined && typeof a === typeof b && comparison.compare(a, b);
    });
}

interface Comparison {
  readonly left: string;
  readonly right: string;
  compare(left: Scalar, right: Scalar): boolean;
}

/** The first operator outside of quotes parts the two sides. */
function splitComparison(text: string): Comparison | undefined {
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote) {
      if (char === quote) quote = '';
      continue;
    }
    if (char === "'" || char === '"') quote = char;
    const name = [text.slice(at, at + 2), char].find(operator => Object.hasOwn(operators, operator));
    if (!name) continue;
    const right = text.slice(at + name.length).trim();
    return { left: text.slice(0, at).trim(), right, compare: operators[name]! };
  }
  return undefined;
}

function items(values: readonly unknown[]): unknown[] {
  return values.flatMap(value => (Array.isArray(value) ? (value as unknown[]) : []));
}

function operand(text: string): (item: unknown) => Scalar | undefined {
  const quoted = /^(['"])(.*)\1$/s.exec(text);
  if (quoted) return () => quoted[2]!;
  if (text === 'true' || text === 'false') return () => text === 'true';
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return () => Number(text);
  if (!/^[@$]/.test(text)) throw new JsonPathError(`unrecognized identifier ${text}`);
  const find = parseJsonPath(text);
  return item => {
    const [value] = find(item);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
  };
}
