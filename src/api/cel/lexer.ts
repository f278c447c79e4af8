export interface Token {
  readonly kind: 'end' | 'punct' | 'keyword' | 'ident' | 'escaped' | 'int' | 'uint' | 'float' | 'string' | 'bytes';
  readonly text: string;
  /** UTF-16 offset. */
  readonly pos: number;
}

/** A place where the text is no token. */
export class LexError {
  readonly pos: number;
  readonly text: string;

  constructor(pos: number, text: string) {
    this.pos = pos;
    this.text = text;
  }
}

const escapes = '\\\\(?:[abfnrtv"\'\\\\?`]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})';
const quoted = [
  `"""(?:${escapes}|[^\\\\])*?"""`,
  `'''(?:${escapes}|[^\\\\])*?'''`,
  `"(?:${escapes}|[^\\\\"\\n\\r])*"`,
  `'(?:${escapes}|[^\\\\'\\n\\r])*'`,
  `[rR]"""[\\s\\S]*?"""`,
  `[rR]'''[\\s\\S]*?'''`,
  `[rR]"[^"\\n\\r]*"`,
  `[rR]'[^'\\n\\r]*'`,
].join('|');

const skipPattern = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y;

/** Kinds in the order in which they are tried. */
const rules: readonly [Token['kind'], RegExp][] = [
  ['bytes', new RegExp(`[bB](?:${quoted})`, 'y')],
  ['string', new RegExp(quoted, 'y')],
  ['float', /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y],
  ['uint', /(?:0x[0-9a-fA-F]+|\d+)[uU]/y],
  ['int', /0x[0-9a-fA-F]+|\d+/y],
  ['ident', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['escaped', /`[A-Za-z0-9_.\-/ ]+`/y],
  ['punct', /==|!=|<=|>=|&&|\|\||[[\]{}().,\-!?:+*/%<>]/y],
];

const keywords: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null']);

/** All tokens, the last of kind `end`; throws `LexError`. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let pos = 0;
  for (;;) {
    skipPattern.lastIndex = pos;
    if (skipPattern.test(source)) pos = skipPattern.lastIndex;
    if (pos >= source.length) break;
    const token = nextToken(source, pos);
    tokens.push(token);
    pos += token.text.length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', pos: source.length });
  return tokens;
}

function nextToken(source: string, pos: number): Token {
  for (const [kind, pattern] of rules) {
    pattern.lastIndex = pos;
    const text = pattern.exec(source)?.[0];
    if (text === undefined) continue;
    return { kind: kind === 'ident' && keywords.has(text) ? 'keyword' : kind, text, pos };
  }
  throw new LexError(pos, String.fromCodePoint(source.codePointAt(pos)!));
}
