import type { Expr, MapEntry, StructEntry } from './ast.ts';
import { call, ident, literal, node } from './ast.ts';
import type { CelIssue } from './errors.ts';
import { LexError, type Token, tokenize } from './lexer.ts';
import { maxExpressionLength, maxExpressionNodes, maxRecursionDepth } from './limits.ts';
import { expandMacro, MacroError } from './macros.ts';
import { numberLiteral } from './number-literal.ts';
import { unescapeBytes, unescapeString } from './unescape.ts';

/** A problem at an offset of the text. */
export class SyntaxProblem {
  readonly pos: number;
  readonly message: string;

  constructor(pos: number, message: string) {
    this.pos = pos;
    this.message = message;
  }
}

const starts =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

const reserved: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while'.split(
    ' ',
  ),
);

const relations: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==', '!=', 'in']);
const factors: ReadonlySet<string> = new Set(['*', '/', '%']);
const terms: ReadonlySet<string> = new Set(['+', '-']);

/** Line (from 1) and column (from 0, code points) of an offset. */
export function locate(source: string, pos: number, message: string): CelIssue {
  if (pos < 0) return { line: -1, column: -1, message };
  const before = source.slice(0, pos);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: [...before.slice(start)].length, message };
}

/** Parses an expression, macros expanded; throws `SyntaxProblem`. */
export function parseCel(source: string): Expr {
  if (source.length > maxExpressionLength) {
    const size = [...source].length;
    if (size > maxExpressionLength) {
      const text = `expression code point size exceeds limit: size: ${size}, limit ${maxExpressionLength}`;
      throw new SyntaxProblem(-1, text);
    }
  }
  return new Parser(tokens(source)).parse();
}

function tokens(source: string): Token[] {
  try {
    return tokenize(source);
  } catch (error) {
    if (!(error instanceof LexError)) throw error;
    throw new SyntaxProblem(error.pos, `Syntax error: token recognition error at: '${error.text}'`);
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Expr {
    const expr = this.#expr();
    if (this.#peek().kind !== 'end') this.#unexpected('<EOF>');
    return expr;
  }

  #peek(): Token {
    return this.#tokens[this.#index]!;
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.text === text && (token.kind === 'punct' || token.kind === 'keyword');
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#index++;
    return token;
  }

  #accept(text: string): Token | undefined {
    return this.#is(text) ? this.#take() : undefined;
  }

  #expect(text: string): Token {
    return this.#accept(text) ?? this.#unexpected(`'${text}'`);
  }

  #unexpected(expected: string): never {
    const token = this.#peek();
    const kind = expected === '<EOF>' ? 'extraneous' : 'mismatched';
    throw new SyntaxProblem(token.pos, `Syntax error: ${kind} input '${token.text}' expecting ${expected}`);
  }

  #guard(expr: Expr): Expr {
    if (expr.depth > maxRecursionDepth) throw new SyntaxProblem(-1, 'max recursion depth exceeded');
    if (expr.size > maxExpressionNodes) throw new SyntaxProblem(-1, `expression exceeds ${maxExpressionNodes} nodes`);
    return expr;
  }

  #expr(): Expr {
    if (++this.#depth > maxRecursionDepth) {
      throw new SyntaxProblem(-1, `expression recursion limit exceeded: ${maxRecursionDepth}`);
    }
    const condition = this.#logical('||', '_||_', () =>
      this.#logical('&&', '_&&_', () => this.#binary(relations, () => this.#calc())),
    );
    const question = this.#accept('?');
    let expr = condition;
    if (question !== undefined) {
      const yes = this.#logical('||', '_||_', () =>
        this.#logical('&&', '_&&_', () => this.#binary(relations, () => this.#calc())),
      );
      this.#expect(':');
      expr = this.#guard(call(question.pos, '_?_:_', condition, yes, this.#expr()));
    }
    this.#depth--;
    return expr;
  }

  /** A chain of one logical operator becomes a balanced tree, so that long ones stay shallow. */
  #logical(operator: string, fn: string, next: () => Expr): Expr {
    const operands = [next()];
    const positions: number[] = [];
    for (let token = this.#accept(operator); token !== undefined; token = this.#accept(operator)) {
      positions.push(token.pos);
      operands.push(next());
    }
    if (positions.length === 0) return operands[0]!;
    const build = (low: number, high: number): Expr => {
      const middle = (low + high + 1) >> 1;
      const left = middle === low ? operands[middle]! : build(low, middle - 1);
      const right = middle === high ? operands[middle + 1]! : build(middle + 1, high);
      return this.#guard(call(positions[middle]!, fn, left, right));
    };
    return build(0, positions.length - 1);
  }

  #calc(): Expr {
    return this.#binary(terms, () => this.#binary(factors, () => this.#unary()));
  }

  #binary(operators: ReadonlySet<string>, next: () => Expr): Expr {
    let left = next();
    for (;;) {
      const token = this.#peek();
      if (!operators.has(token.text) || (token.kind !== 'punct' && token.kind !== 'keyword')) return left;
      this.#take();
      const fn = token.text === 'in' ? '@in' : `_${token.text}_`;
      left = this.#guard(call(token.pos, fn, left, next()));
    }
  }

  #unary(): Expr {
    const first = this.#peek();
    for (const [operator, fn] of [
      ['!', '!_'],
      ['-', '-_'],
    ] as const) {
      if (!this.#is(operator)) continue;
      let count = 0;
      while (this.#is(operator) && !this.#isSign()) {
        this.#take();
        count++;
      }
      const operand = this.#member();
      return count % 2 === 0 ? operand : this.#guard(call(first.pos, fn, operand));
    }
    return this.#member();
  }

  /** A minus right before a number belongs to the literal. */
  #isSign(): boolean {
    const after = this.#tokens[this.#index + 1]?.kind;
    return this.#is('-') && (after === 'int' || after === 'float');
  }

  #member(): Expr {
    let expr = this.#primary();
    for (;;) {
      const dot = this.#accept('.');
      if (dot !== undefined) {
        expr = this.#guard(this.#selection(expr, dot));
        continue;
      }
      const open = this.#accept('[');
      if (open === undefined) return expr;
      const optional = this.#accept('?') !== undefined;
      const index = this.#expr();
      this.#expect(']');
      expr = this.#guard(call(open.pos, optional ? '_[?_]' : '_[_]', expr, index));
    }
  }

  #selection(operand: Expr, dot: Token): Expr {
    const optional = this.#accept('?') !== undefined;
    const name = this.#identifier();
    if (optional) return call(dot.pos, '_?._', operand, literal(name.pos, fieldName(name)));
    const open = name.kind === 'ident' ? this.#accept('(') : undefined;
    if (open === undefined) return node(dot.pos, { kind: 'select', operand, field: fieldName(name), testOnly: false });
    return this.#call(open.pos, name.text, operand, this.#arguments());
  }

  #identifier(): Token {
    const token = this.#peek();
    if (token.kind !== 'ident' && token.kind !== 'escaped') {
      throw new SyntaxProblem(token.pos, `Syntax error: no viable alternative at input '.${token.text}'`);
    }
    return this.#take();
  }

  #arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.#accept(')') !== undefined) return args;
    do args.push(this.#expr());
    while (this.#accept(',') !== undefined);
    this.#expect(')');
    return args;
  }

  #call(pos: number, fn: string, target: Expr | undefined, args: Expr[]): Expr {
    try {
      return this.#guard(expandMacro({ pos, fn, target, args }) ?? node(pos, { kind: 'call', fn, target, args }));
    } catch (error) {
      if (error instanceof MacroError) throw new SyntaxProblem(error.pos, error.message);
      throw error;
    }
  }

  #primary(): Expr {
    const token = this.#peek();
    switch (token.kind) {
      case 'int':
      case 'uint':
      case 'float':
        return this.#number(this.#take(), '');
      case 'string':
      case 'bytes':
        return this.#text(this.#take());
      case 'ident':
        return this.#name(this.#take(), '');
      default:
        return this.#compound(token);
    }
  }

  #compound(token: Token): Expr {
    switch (token.kind === 'punct' || token.kind === 'keyword' ? token.text : '') {
      case 'true':
      case 'false':
        return literal(this.#take().pos, token.text === 'true');
      case 'null':
        return literal(this.#take().pos, null);
      case '-':
        if (!this.#isSign()) break;
        this.#take();
        return this.#number(this.#take(), '-');
      case '(': {
        this.#take();
        const expr = this.#expr();
        this.#expect(')');
        return expr;
      }
      case '[':
        return this.#list(this.#take());
      case '{':
        return this.#map(this.#take());
      case '.':
        if (this.#tokens[this.#index + 1]?.kind === 'ident') {
          this.#take();
          return this.#name(this.#take(), '.');
        }
        break;
    }
    return this.#unexpected(starts);
  }

  #number(token: Token, sign: string): Expr {
    const value = numberLiteral(token, sign);
    if (value === undefined) {
      const kind = token.kind === 'float' ? 'double' : token.kind;
      throw new SyntaxProblem(token.pos - sign.length, `invalid ${kind} literal`);
    }
    return literal(token.pos - sign.length, value);
  }

  #text(token: Token): Expr {
    const value = token.kind === 'string' ? unescapeString(token.text) : unescapeBytes(token.text.slice(1));
    if (value === undefined) throw new SyntaxProblem(token.pos, 'illegal escape sequence');
    return literal(token.pos, value);
  }

  /** An identifier, a global call, or a message of that name. */
  #name(token: Token, dot: string): Expr {
    const struct = this.#structName(token, dot);
    if (struct !== undefined) return struct;
    if (reserved.has(token.text)) throw new SyntaxProblem(token.pos, `reserved identifier: ${token.text}`);
    const open = this.#accept('(');
    if (open !== undefined) return this.#call(open.pos, dot + token.text, undefined, this.#arguments());
    return ident(token.pos, dot + token.text);
  }

  /** `A.B{...}`: looks ahead over the dots for a brace. */
  #structName(token: Token, dot: string): Expr | undefined {
    let at = this.#index;
    let name = dot + token.text;
    while (this.#tokens[at]?.text === '.' && this.#tokens[at + 1]?.kind === 'ident') {
      name += `.${this.#tokens[at + 1]!.text}`;
      at += 2;
    }
    const brace = this.#tokens[at];
    if (brace?.kind !== 'punct' || brace.text !== '{') return undefined;
    this.#index = at + 1;
    const entries: StructEntry[] = [];
    this.#sequence('}', () => {
      const optional = this.#accept('?') !== undefined;
      const field = fieldName(this.#identifier());
      const { pos } = this.#expect(':');
      entries.push({ pos, field, value: this.#expr(), optional });
    });
    return this.#guard(node(brace.pos, { kind: 'struct', name, entries }));
  }

  #list(open: Token): Expr {
    const items: Expr[] = [];
    const optionals = new Set<number>();
    this.#sequence(']', () => {
      if (this.#accept('?') !== undefined) optionals.add(items.length);
      items.push(this.#expr());
    });
    return this.#guard(node(open.pos, { kind: 'list', items, optionals }));
  }

  #map(open: Token): Expr {
    const entries: MapEntry[] = [];
    this.#sequence('}', () => {
      const optional = this.#accept('?') !== undefined;
      const key = this.#expr();
      const { pos } = this.#expect(':');
      entries.push({ pos, key, value: this.#expr(), optional });
    });
    return this.#guard(node(open.pos, { kind: 'map', entries }));
  }

  /** Items between commas up to the closing token; one comma may trail. */
  #sequence(close: string, item: () => void): void {
    while (this.#accept(close) === undefined) {
      item();
      if (this.#accept(',') !== undefined) continue;
      this.#expect(close);
      return;
    }
  }
}

function fieldName(token: Token): string {
  return token.kind === 'escaped' ? token.text.slice(1, -1) : token.text;
}
