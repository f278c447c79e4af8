import type { Document, YAMLError } from 'yaml';
import { Composer, isAlias, isCollection, isMap, isScalar, LineCounter, Parser, visit, YAMLParseError } from 'yaml';

/** A YAML text as a tree, with the first thing that is wrong with it. */
export interface YamlTree {
  readonly document: Document.Parsed;
  readonly problem: YAMLError | undefined;
  /** Line of a place in the text; counts from 1. */
  lineAt(offset: number): number;
}

/** What there is to say about the keys of a document. */
export interface KeyReport {
  /** What the first key that is no scalar is: a document with one has no JSON form. */
  readonly collection: 'a map' | 'a list' | undefined;
  /** Places in the text of keys that stand earlier in the same map, in their order. */
  readonly duplicates: readonly number[];
}

/**
 * Parses up to the first token that cannot be where it is. The library's own `parseDocument` goes on to the end, copies the line for each error and
 * compares each key with all before it: the square of the text's length, which is minutes for some hundred kilobytes. Throws RangeError for what is nested too deep.
 */
export function parseYamlTree(text: string): YamlTree {
  const lines = new LineCounter();
  const composer = new Composer({ merge: true, uniqueKeys: false });
  const documents: Document.Parsed[] = [];
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    for (const document of composer.next(token)) documents.push(document as Document.Parsed);
    if (token.type === 'error' || documents.length > 1) break;
  }
  if (documents.length < 2) {
    for (const document of composer.end(true, text.length)) documents.push(document as Document.Parsed);
  }
  const [document, second] = documents as [Document.Parsed, ...Document.Parsed[]];
  const [start, end] = second?.range ?? [0, 0];
  const problem = second && new YAMLParseError([start, end], 'MULTIPLE_DOCS', 'Source contains multiple documents');
  return { document, problem: document.errors[0] ?? problem, lineAt: offset => lines.linePos(offset).line };
}

/** Looks at every key once. Throws RangeError for what is nested too deep. */
export function checkYamlKeys(document: Document.Parsed): KeyReport {
  const duplicates: number[] = [];
  const seen = new WeakMap<object, Set<unknown>>();
  /** What each anchor stands for so far. */
  const anchors = new Map<string, unknown>();
  let collection: KeyReport['collection'];
  visit(document, {
    Value(_, node) {
      if (node.anchor) anchors.set(node.anchor, node);
    },
    Pair(_, { key }, path) {
      const target = isAlias(key) ? anchors.get(key.source) : key;
      if (isCollection(target)) {
        collection = isMap(target) ? 'a map' : 'a list';
        return visit.BREAK;
      }
      if (!isScalar(key)) return;
      const map = path.at(-1) as object;
      const keys = seen.get(map) ?? new Set();
      if (keys.has(key.value)) duplicates.push(key.range?.[0] ?? 0);
      seen.set(map, keys.add(key.value));
    },
  });
  return { collection, duplicates };
}
