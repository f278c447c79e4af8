import { RE2JS } from 're2js';

/** A pattern with RE2 semantics: matching takes time linear in the text, whatever the pattern. */
export interface Re2 {
  /** Instructions of the compiled pattern: matching takes at most so many steps for each character. */
  readonly size: number;
  /** True when the pattern matches somewhere in the text. */
  test(text: string): boolean;
  /** The first match, or undefined. */
  find(text: string): string | undefined;
  /** All matches from left to right, at most `limit`; each is told before the next is looked for, which may take as long as the text is. */
  findAll(text: string, limit?: number, onMatch?: () => void): string[];
}

/** A pattern that RE2 does not take; the message is the one of Go's regexp: `error parsing regexp: missing closing ): \`(a\``. */
export class RegexError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegexError';
  }
}

/** Compiles a user-supplied pattern (CEL `matches`, OpenAPI `pattern`); throws `RegexError`. The only place where RE2 comes in. */
export function compileRe2(pattern: string): Re2 {
  const compiled = parse(pattern);
  return {
    size: compiled.programSize(),
    // Without groups, the library goes through the text with an automaton.
    test: text => compiled.test(text),
    find: text => {
      const matcher = compiled.matcher(text);
      return matcher.find() ? (matcher.group() ?? undefined) : undefined;
    },
    findAll: (text, limit = Number.POSITIVE_INFINITY, onMatch = undefined) => {
      const found: string[] = [];
      const matcher = compiled.matcher(text);
      while (found.length < limit && matcher.find()) {
        found.push(matcher.group() ?? '');
        onMatch?.();
      }
      return found;
    },
  };
}

/** Measured at worst on small cores: an instruction made, and an instruction taken for a character. */
const compileMsEach = 0.006;
const stepMsEach = 0.000_03;

/** How long compiling a pattern may take, by its length and counted repetitions: without looking at what it means. */
export function worstCompileMs(pattern: string): number {
  return pattern.length < maxPlainLength && !pattern.includes('{') ? 0 : sizeBound(pattern) * compileMsEach;
}

/** How long a search in a text may take. */
export function worstSearchMs({ size }: Pick<Re2, 'size'>, text: string): number {
  return size * text.length * stepMsEach;
}

const maxPlainLength = 200;

/** About as many instructions as the pattern has at most: what stands in a group is multiplied by what follows it. */
function sizeBound(pattern: string): number {
  /** Of the groups that are open, innermost last: all in it, and its last part, to which a repetition would belong. */
  const groups = [{ sum: 0, last: 0 }];
  for (let at = 0; at < pattern.length; at++) {
    const group = groups.at(-1)!;
    const character = pattern[at]!;
    if (character === '{') {
      const times = repetitionsAt(pattern, at);
      group.sum += group.last * (times - 1);
      group.last *= times;
    } else if (character === '(') groups.push({ sum: 0, last: 0 });
    else if (character === ')' && groups.length > 1) {
      const { sum } = groups.pop()!;
      const outer = groups.at(-1)!;
      outer.last = sum + 2;
      outer.sum += outer.last;
    } else {
      if (character === '\\') at++;
      group.last = 1;
      group.sum++;
    }
  }
  return groups.reduce((sum, group) => sum + group.sum, 0);
}

/** 1 for a brace that begins no repetition. */
function repetitionsAt(pattern: string, at: number): number {
  const found = /^\{(\d{1,4})(?:,(\d{0,4}))?\}/.exec(pattern.slice(at, at + 11));
  return found ? Math.max(1, Number(found[1]), Number(found[2] || 0)) : 1;
}

function parse(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new RegexError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
