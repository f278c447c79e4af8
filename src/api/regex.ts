import { RE2JS } from 're2js';

/** A pattern with RE2 semantics: matching takes time linear in the text, whatever the pattern. */
export interface Re2 {
  /** Instructions of the compiled pattern: matching takes at most so many steps for each character. */
  readonly size: number;
  /** True when the pattern matches somewhere in the text. */
  test(text: string): boolean;
  /** The first match, or undefined. */
  find(text: string): string | undefined;
  /** All matches from left to right, at most `limit`. */
  findAll(text: string, limit?: number): string[];
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
    findAll: (text, limit = Number.POSITIVE_INFINITY) => {
      const found: string[] = [];
      const matcher = compiled.matcher(text);
      while (found.length < limit && matcher.find()) found.push(matcher.group() ?? '');
      return found;
    },
  };
}

function parse(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new RegexError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
