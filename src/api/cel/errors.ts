/** One problem of an expression, at a place in its text. Lines start at 1, columns at 0 and count code points. */
export interface CelIssue {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/**
 * An expression that does not parse or check. `message` is upstream's text, one block per issue (`ERROR: <input>:1:6: ...`); `stage` tells a
 * parse or type problem (upstream prefixes "compilation failed: "), a wrong result type ("must evaluate to bool") and a constant that fails
 * when the program is made ("program instantiation failed: ...").
 */
export class CelCompileError extends Error {
  readonly stage: 'compile' | 'result' | 'program';
  readonly issues: readonly CelIssue[];

  constructor(message: string, stage: 'compile' | 'result' | 'program', issues: readonly CelIssue[] = []) {
    super(message);
    this.name = 'CelCompileError';
    this.stage = stage;
    this.issues = issues;
  }
}

/**
 * An expression whose evaluation failed: `message` as upstream's (`no such key: x`). `costExceeded` is the end of the budget, `failed`
 * everything else. `cost` is what was spent until then.
 */
export class CelError extends Error {
  readonly code: 'failed' | 'costExceeded';
  readonly cost: number;

  constructor(message: string, code: 'failed' | 'costExceeded', cost: number) {
    super(message);
    this.name = 'CelError';
    this.code = code;
    this.cost = cost;
  }
}

/** True for the error of a spent cost budget. */
export function isCostExceeded(error: unknown): boolean {
  return error instanceof CelError && error.code === 'costExceeded';
}

/**
 * What the evaluator throws inside: no stack is taken, because `||` and `&&` absorb failures and a loop may make thousands.
 * `final` ones (the budget) are never absorbed.
 */
export class Fault {
  readonly message: string;
  readonly final: boolean;

  constructor(message: string, final = false) {
    this.message = message;
    this.final = final;
  }
}

/** Throws a `Fault`; an expression, so that it fits in tables. */
export function fault(message: string): never {
  throw new Fault(message);
}

const maxSnippetLength = 16_384;

/** Upstream's text of issues, sorted by place: at most 100. */
export function formatIssues(source: string, issues: readonly CelIssue[]): string {
  const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
  const shown = sorted.slice(0, 100).map(issue => formatIssue(source, issue));
  if (sorted.length > 100) shown.push(`${sorted.length - 100} more errors were truncated`);
  return shown.join('\n');
}

function formatIssue(source: string, issue: CelIssue): string {
  const head = `ERROR: <input>:${issue.line}:${issue.column + 1}: ${issue.message}`;
  const line = source.split('\n')[issue.line - 1];
  if (line === undefined || line.length > maxSnippetLength) return head;
  const snippet = line.replaceAll('\t', ' ');
  const points = [...snippet];
  const isWide = (point: string | undefined): boolean => point !== undefined && point.codePointAt(0)! > 0x7f;
  const dots = points.slice(0, issue.column).map(point => (isWide(point) ? '\uff0e' : '.'));
  return `${head}\n | ${snippet}\n | ${dots.join('')}${isWide(points[issue.column]) ? '\uff3e' : '^'}`;
}
