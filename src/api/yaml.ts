import type { Document, YAMLError } from 'yaml';
import { parseDocument } from 'yaml';
import { SyntaxProblem } from './json.ts';

/** Aliases multiply: more of them are an attack on the memory. */
const maxAliases = 100;

/** One YAML document, YAML 1.2 with JSON's types, and keys that stand in it twice. Throws SyntaxProblem, worded as Go's decoder words it. */
export function parseYaml(text: string): { value: unknown; duplicates: string[] } {
  const document = parseDocument(text, { merge: true });
  const problem = document.errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  if (problem) throw refuse(describe(problem), problem);
  return { value: toValue(document), duplicates: describeDuplicates(text, document.errors) };
}

function toValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (cause) {
    const { name, message } = cause as Error;
    if (name !== 'ReferenceError') throw refuse(message, cause);
    throw refuse(
      /^Excessive/.test(message) ? 'document contains excessive aliasing' : 'unknown anchor referenced',
      cause,
    );
  }
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
