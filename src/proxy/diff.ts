import { table } from './config.ts';
import type { Ruleset } from './rules.ts';
import { elementSetNames, mergeRules } from './rules.ts';
import { formatSkeleton } from './skeleton.ts';

export const emptyRuleset: Ruleset = mergeRules([]);

export interface Change {
  /** Lines of one transaction; none when nothing differs. */
  lines: string[];
  /** Chains that are empty after it and to be deleted later (`formatDeletions`). */
  stale: string[];
}

/** The whole table anew, in one transaction. */
export function formatAll(rules: Ruleset, options: { localhostPorts: boolean }): string[] {
  return [...formatSkeleton(options), ...planChange(emptyRuleset, rules).lines];
}

/**
 * What leads from one state to another. `known` are chains that stand empty in the kernel. Chains that are no longer wanted are only emptied: kernels
 * before 6.2 notice a while later that no map element points to them any more, and refuse to delete them until then (upstream does the same).
 */
export function planChange(before: Ruleset, after: Ruleset, known: ReadonlySet<string> = new Set()): Change {
  const stale = [...before.chains.keys()].filter(name => !after.chains.has(name));
  const changed = [...after.chains].filter(([name, rules]) => !isSame(before.chains.get(name), rules));
  const isThere = (name: string) => before.chains.has(name) || known.has(name);
  const lines = [
    ...missing(after.affinitySets, before.affinitySets).map(
      name => `add set ${table} ${name} { type ipv4_addr; flags dynamic,timeout; }`,
    ),
    ...changed.map(([name]) => (isThere(name) ? `flush chain ${table} ${name}` : `add chain ${table} ${name}`)),
    ...changed.flatMap(([name, rules]) => rules.map(rule => `add rule ${table} ${name} ${rule}`)),
    ...elementLines(before, after),
    ...stale.map(name => `flush chain ${table} ${name}`),
    ...missing(before.affinitySets, after.affinitySets).map(name => `delete set ${table} ${name}`),
  ];
  return { lines, stale };
}

export function formatDeletions(chains: Iterable<string>): string[] {
  return Array.from(chains, name => `delete chain ${table} ${name}`);
}

function elementLines(before: Ruleset, after: Ruleset): string[] {
  const removals: string[] = [];
  const additions: string[] = [];
  for (const set of elementSetNames) {
    const [old, now] = [before.elements.get(set)!, after.elements.get(set)!];
    for (const [key, tail] of old) {
      if (now.get(key) !== tail) removals.push(`delete element ${table} ${set} { ${key} }`);
    }
    for (const [key, tail] of now) {
      if (old.get(key) !== tail) additions.push(`add element ${table} ${set} { ${key}${tail} }`);
    }
  }
  return [...removals, ...additions];
}

function isSame(a: readonly string[] | undefined, b: readonly string[]): boolean {
  // Rules of Services that did not change are the very same array.
  return a === b || (a !== undefined && a.length === b.length && a.every((rule, index) => rule === b[index]));
}

function missing(from: ReadonlySet<string>, within: ReadonlySet<string>): string[] {
  return [...from].filter(name => !within.has(name));
}
