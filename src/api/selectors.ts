import { checkLabelValue, checkQualifiedName } from './kinds/name-rules.ts';
import type { LabelSelector } from './types.ts';

type Labels = Readonly<Record<string, string>>;
export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

/** One condition of a label selector. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** A selector text that cannot be read; the message is upstream's. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

const word = /^[^\s,()=!<>]+/;

/** Reads `app=web,tier in (a,b),!old`. Empty text: no conditions. Throws SelectorError. */
export function parseLabelSelector(text: string): LabelRequirement[] {
  const requirements: LabelRequirement[] = [];
  let rest = text.trim();
  if (rest === '') return requirements;
  for (;;) {
    const { requirement, left } = readRequirement(rest, text);
    checkRequirement(requirement);
    requirements.push(requirement);
    rest = left.trimStart();
    if (rest === '') return requirements;
    if (!rest.startsWith(',')) throw unableToParse(`found '${rest[0]}', expected: ',' or 'end of string'`);
    rest = rest.slice(1).trimStart();
    if (rest === '') throw unableToParse(`found '', expected: identifier after ','`);
  }
}

function readRequirement(text: string, whole: string): { requirement: LabelRequirement; left: string } {
  const isNegated = text.startsWith('!');
  const [key, afterKey] = takeWord(isNegated ? text.slice(1).trimStart() : text, whole);
  if (isNegated) return { requirement: { key, operator: '!', values: [] }, left: afterKey };
  const rest = afterKey.trimStart();
  const set = /^(in|notin)\s*\(([^)]*)\)/.exec(rest);
  if (set) {
    const values = set[2]!.split(',').map(value => value.trim());
    return { requirement: { key, operator: set[1] as LabelOperator, values }, left: rest.slice(set[0].length) };
  }
  const symbol = /^(==|!=|=|<|>)\s*/.exec(rest);
  if (!symbol) return { requirement: { key, operator: 'exists', values: [] }, left: afterKey };
  const operator = symbol[1] === '>' ? 'gt' : symbol[1] === '<' ? 'lt' : (symbol[1] as LabelOperator);
  const afterSymbol = rest.slice(symbol[0].length);
  const value = word.exec(afterSymbol)?.[0] ?? '';
  return { requirement: { key, operator, values: [value] }, left: afterSymbol.slice(value.length) };
}

function takeWord(text: string, whole: string): [string, string] {
  const found = word.exec(text)?.[0];
  if (!found) throw unableToParse(`found '${text[0] ?? ''}', expected: identifier`, whole);
  return [found, text.slice(found.length)];
}

function unableToParse(detail: string, _whole?: string): SelectorError {
  return new SelectorError(`unable to parse requirement: ${detail}`);
}

function checkRequirement({ key, operator, values }: LabelRequirement): void {
  const [keyProblem] = checkQualifiedName(key);
  if (keyProblem)
    throw new SelectorError(`unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${keyProblem}`);
  for (const [index, value] of values.entries()) {
    const [problem] = checkLabelValue(value);
    if (problem)
      throw new SelectorError(
        `unable to parse requirement: values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`,
      );
    if ((operator === 'gt' || operator === 'lt') && !/^-?\d+$/.test(value)) {
      throw new SelectorError(
        `unable to parse requirement: values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
  }
}

/** Whether all conditions hold, as a question for many objects: there may be thousands of conditions. Those that need a label come first, and sets of values are looked up. */
export function compileRequirements(requirements: readonly LabelRequirement[]): (labels: Labels) => boolean {
  const needs = requirements.filter(({ operator }) => operator !== 'notin' && operator !== '!=' && operator !== '!');
  const refuses = new Map<string, Refused>();
  for (const { key, operator, values } of requirements) {
    if (operator !== 'notin' && operator !== '!=' && operator !== '!') continue;
    const refused = refuses.get(key) ?? { all: false, values: new Set<string>() };
    refuses.set(key, refused);
    if (operator === '!') refused.all = true;
    for (const value of values) refused.values.add(value);
  }
  return labels => {
    if (needs.length > 0 && !needs.every(requirement => holds(requirement, labels))) return false;
    if (refuses.size === 0) return true;
    // Objects have few labels, selectors may have thousands of conditions.
    for (const key in labels) {
      const refused = refuses.get(key);
      if (refused && (refused.all || refused.values.has(labels[key]!))) return false;
    }
    return true;
  };
}

/** What a label may not be, if it is there. */
interface Refused {
  all: boolean;
  readonly values: Set<string>;
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
      return /^-?\d+$/.test(value ?? '') && BigInt(value!) > BigInt(values[0]!);
    case 'lt':
      return /^-?\d+$/.test(value ?? '') && BigInt(value!) < BigInt(values[0]!);
    default:
      return false;
  }
}

/** True when the selector object of a spec selects these labels. Empty selects all; undefined nothing. */
export function matchesLabelSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  const exact = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    exact &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && (values ?? []).includes(value);
      if (operator === 'NotIn') return value === undefined || !(values ?? []).includes(value);
      return operator === 'Exists' ? value !== undefined : operator === 'DoesNotExist' && value === undefined;
    })
  );
}

export interface FieldRequirement {
  readonly field: string;
  readonly isEqual: boolean;
  readonly value: string;
}

/** Reads `metadata.name=x,status.phase!=Running`; backslash escapes comma, equals sign and itself. Throws SelectorError. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text).map(term => {
    const match = /^((?:[^\\!=]|\\.)*?)(==|!=|=)(.*)$/s.exec(term);
    if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    return { field: match[1]!, isEqual: match[2] !== '!=', value: unescapeValue(match[3]!, text) };
  });
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') term += text[at]! + (text[++at] ?? '');
    else if (text[at] === ',') {
      terms.push(term);
      term = '';
    } else term += text[at];
  }
  return [...terms, term].filter(part => part !== '');
}

function unescapeValue(value: string, whole: string): string {
  if (/(?:^|[^\\])(?:\\\\)*=/.test(value))
    throw new SelectorError(`invalid selector: '${whole}'; can't understand '${value}'`);
  return value.replace(/\\([\\,=])/g, '$1');
}
