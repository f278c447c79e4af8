import type { Document, YAMLError } from 'yaml';
import { SyntaxProblem } from './json.ts';
import { checkYamlKeys, parseYamlTree, type YamlTree } from './yaml-tree.ts';

/** Aliases multiply: more of them are an attack on the memory. */
const maxAliases = 100;

/** One YAML document, YAML 1.2 with JSON's types, and keys that stand in it twice. Throws SyntaxProblem, worded as Go's decoder words it. */
export function parseYaml(text: string): { value: unknown; duplicates: string[] } {
  const tree = withinStack(() => parseYamlTree(text));
  if (tree.problem) throw refuse(describe(tree, tree.problem), tree.problem);
  const { collection, duplicates } = withinStack(() => checkYamlKeys(tree.document));
  // JSON has texts for keys. Others would be made texts, and keys of keys of keys without end.
  if (collection) throw refuse(`invalid map key: ${collection}`, undefined);
  return { value: toValue(tree.document), duplicates: describeDuplicates(text, tree, duplicates) };
}

/** The library looks at the depth of flow collections only: of others its own stack is the bound. */
function withinStack<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof RangeError) throw refuse('exceeded max depth', cause);
    throw cause;
  }
}

function toValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (cause) {
    if (cause instanceof RangeError) throw refuse('exceeded max depth', cause);
    const { name, message } = cause as Error;
    if (name !== 'ReferenceError') throw refuse(message, cause);
    throw refuse(
      /^Excessive/.test(message) ? 'document contains excessive aliasing' : 'unknown anchor referenced',
      cause,
    );
  }
}

function describe(tree: YamlTree, problem: YAMLError): string {
  if (problem.code === 'RESOURCE_EXHAUSTION') return 'exceeded max depth';
  const line = tree.lineAt(problem.pos[0]);
  if (problem.code === 'MULTIPLE_DOCS') return `line ${line}: only one document is possible here`;
  const [first] = problem.message.split('\n');
  return `line ${line}: ${first}`;
}

/** As upstream reports them: all in one text. */
function describeDuplicates(text: string, tree: YamlTree, offsets: readonly number[]): string[] {
  if (offsets.length === 0) return [];
  const lines = offsets.map(offset => {
    const key = /^"[^"]*"|^'[^']*'|^[^\s:,\]}]+/.exec(text.slice(offset, offset + 256))?.[0] ?? '';
    return `  line ${tree.lineAt(offset)}: key ${JSON.stringify(key.replace(/^["']|["']$/g, ''))} already set in map`;
  });
  return [`yaml: unmarshal errors:\n${lines.join('\n')}`];
}

function refuse(why: string, cause: unknown): SyntaxProblem {
  return new SyntaxProblem(`error converting YAML to JSON: yaml: ${why}`, { cause });
}
