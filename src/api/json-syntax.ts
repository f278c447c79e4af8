/**
 * What is wrong with a text that is not JSON, in the words of Go's encoding/json, which users of Kubernetes know: `invalid character '}' looking for
 * beginning of object key string`. Only for texts that JSON.parse has refused.
 */
export function describeJsonProblem(text: string): string {
  return new Scanner(text).scan() ?? endOfInput;
}

const endOfInput = 'unexpected end of JSON input';
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const space = /[ \t\r\n]*/y;

/** Goes through the text as far as it is JSON, without recursion: hostile texts are deep. */
class Scanner {
  readonly #text: string;
  #at = 0;
  /** Open containers, innermost last. */
  readonly #open: ('{' | '[')[] = [];
  #expected: 'value' | 'value or end' | 'key' | 'key or end' | 'what follows a value' = 'value';

  constructor(text: string) {
    this.#text = text;
  }

  /** The first problem; undefined when the text ends too early. */
  scan(): string | undefined {
    for (;;) {
      const character = this.#peek();
      if (this.#expected === 'what follows a value' && this.#open.length === 0) {
        return character === undefined ? undefined : this.#invalid('after top-level value');
      }
      if (character === undefined) return undefined;
      const problem = this.#step(character);
      if (problem !== undefined) return problem === endOfInput ? undefined : problem;
    }
  }

  #step(character: string): string | undefined {
    switch (this.#expected) {
      case 'value':
        return this.#value(character);
      case 'value or end':
        return character === ']' ? this.#close() : this.#value(character);
      case 'key or end':
        return character === '}' ? this.#close() : this.#key(character);
      case 'key':
        return this.#key(character);
      default:
        return this.#afterValue(character);
    }
  }

  /** A value, or the beginning of a container, with which the scan goes on inside. */
  #value(character: string): string | undefined {
    if (character === '{' || character === '[') {
      this.#at++;
      this.#open.push(character);
      this.#expected = character === '{' ? 'key or end' : 'value or end';
      return undefined;
    }
    this.#expected = 'what follows a value';
    if (character === '"') return this.#string();
    const literal = literals[character];
    if (literal) return this.#literal(literal);
    return /[-\d]/.test(character) ? this.#number() : this.#invalid('looking for beginning of value');
  }

  #key(character: string): string | undefined {
    if (character !== '"') return this.#invalid('looking for beginning of object key string');
    const problem = this.#string();
    if (problem) return problem;
    const colon = this.#peek();
    if (colon === undefined) return endOfInput;
    if (colon !== ':') return this.#invalid('after object key');
    this.#at++;
    this.#expected = 'value';
    return undefined;
  }

  #afterValue(character: string): string | undefined {
    const isObject = this.#open.at(-1) === '{';
    if (character === (isObject ? '}' : ']')) return this.#close();
    if (character !== ',') return this.#invalid(isObject ? 'after object key:value pair' : 'after array element');
    this.#at++;
    this.#expected = isObject ? 'key' : 'value';
    return undefined;
  }

  #close(): undefined {
    this.#at++;
    this.#open.pop();
    this.#expected = 'what follows a value';
  }

  #string(): string | undefined {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]!;
      if (character === '"') {
        this.#at++;
        return undefined;
      }
      if (character < ' ') return this.#invalid('in string literal');
      if (character !== '\\') continue;
      const problem = this.#escape();
      if (problem) return problem;
    }
    return endOfInput;
  }

  #escape(): string | undefined {
    const escaped = this.#text[++this.#at];
    if (escaped === undefined) return endOfInput;
    if (escaped !== 'u') return '"\\/bfnrt'.includes(escaped) ? undefined : this.#invalid('in string escape code');
    for (let digits = 0; digits < 4; digits++) {
      const digit = this.#text[++this.#at];
      if (digit === undefined) return endOfInput;
      if (!/[\da-fA-F]/.test(digit)) return this.#invalid('in \\u hexadecimal character escape');
    }
    return undefined;
  }

  #literal(word: string): string | undefined {
    for (const expected of word) {
      const character = this.#text[this.#at];
      if (character === undefined) return endOfInput;
      if (character !== expected) return this.#invalid(`in literal ${word} (expecting '${expected}')`);
      this.#at++;
    }
    return undefined;
  }

  /** What follows a number that ends too early, as `01`, is a problem of what comes after it. */
  #number(): string | undefined {
    if (this.#text[this.#at] === '-') this.#at++;
    const first = this.#text[this.#at];
    if (first === '0') this.#at++;
    else {
      const problem = this.#digits('in numeric literal');
      if (problem) return problem;
    }
    if (this.#text[this.#at] === '.') {
      this.#at++;
      const problem = this.#digits('after decimal point in numeric literal');
      if (problem) return problem;
    }
    if (!/[eE]/.test(this.#text[this.#at] ?? '')) return undefined;
    this.#at++;
    if (/[-+]/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#digits('in exponent of numeric literal');
  }

  #digits(where: string): string | undefined {
    const start = this.#at;
    while (/\d/.test(this.#text[this.#at] ?? '')) this.#at++;
    if (this.#at > start) return undefined;
    return this.#text[start] === undefined ? endOfInput : this.#invalid(where);
  }

  /** The next character that means something. */
  #peek(): string | undefined {
    space.lastIndex = this.#at;
    space.test(this.#text);
    this.#at = space.lastIndex;
    return this.#text[this.#at];
  }

  #invalid(where: string): string {
    return `invalid character ${quoted(this.#text[this.#at]!)} ${where}`;
  }
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', "'": "\\'" };

/** As Go's quoteChar. */
function quoted(character: string): string {
  const isControl = character < ' ' || character === '\x7f';
  const code = `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return `'${escapes[character] ?? (isControl ? code : character)}'`;
}
