import type { Document, YAMLError } from 'yaml';
import { isCollection, isMap, parseDocument, visit } from 'yaml';
import { SyntaxProblem } from './json.ts';

/** Aliases multiply: more of them are an attack on the memory. */
const maxAliases = 100;

/** One YAML document, YAML 1.2 with JSON's types, and keys that stand in it twice. Throws SyntaxProblem, worded as Go's decoder words it. */
export function parseYaml(text: string): { value: unknown; duplicates: string[] } {
  const document = parseTree(text);
  const problem = document.errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  if (problem) throw refuse(describe(problem), problem);
  return { value: toValue(document), duplicates: describeDuplicates(text, document.errors) };
}

/** The library looks at the depth of flow collections only: of others its own stack is the bound. */
function parseTree(text: string): Document {
  try {
    return parseDocument(text, { merge: true });
  } catch (cause) {
    if (cause instanceof RangeError) throw refuse('exceeded max depth', cause);
    throw cause;
  }
}

function toValue(document: Document): unknown {
  try {
    visit(document, { Pair: (_, { key }) => checkKey(key) });
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (cause) {
    if (cause instanceof SyntaxProblem) throw cause;
    if (cause instanceof RangeError) throw refuse('exceeded max depth', cause);
    const { name, message } = cause as Error;
    if (name !== 'ReferenceError') throw refuse(message, cause);
    throw refuse(
      /^Excessive/.test(message) ? 'document contains excessive aliasing' : 'unknown anchor referenced',
      cause,
    );
  }
}

/** JSON has texts for keys. Others would be made texts, and keys of keys of keys without end. */
function checkKey(key: unknown): void {
  if (isCollection(key)) throw refuse(`invalid map key: ${isMap(key) ? 'a map' : 'a list'}`, undefined);
}

function describe(problem: YAMLError): string {
  if (problem.code === 'RESOURCE_EXHAUSTION') return 'exceeded max depth';
  const line = problem.linePos?.[0].line ?? 1;
  if (problem.code === 'MULTIPLE_DOCS') return `line ${line}: only one document is possible here`;
  const [first = ''] = problem.message.split('\n');
  return `line ${line}: ${first.replace(/ at line \d+, column \d+:$/, '')}`;
}

/** As upstream reports them: all in one text. */
function describeDuplicates(text: string, errors: readonly YAMLError[]): string[] {
  if (errors.length === 0) return [];
  const lines = errors.map(({ pos, linePos }) => {
    const key = /^"[^"]*"|^'[^']*'|^[^\s:,\]}]+/.exec(text.slice(pos[0], pos[0] + 256))?.[0] ?? '';
    return `  line ${linePos?.[0].line ?? 1}: key ${JSON.stringify(key.replace(/^["']|["']$/g, ''))} already set in map`;
  });
  return [`yaml: unmarshal errors:\n${lines.join('\n')}`];
}

function refuse(why: string, cause: unknown): SyntaxProblem {
  return new SyntaxProblem(`error converting YAML to JSON: yaml: ${why}`, { cause });
}
