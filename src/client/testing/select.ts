import type { KubeObject } from '#api';
import type { ListSelection } from '../client.ts';

/** Does the object belong to the selection? Label and field selectors as in the URL; any dotted path is a field. */
export function isSelected(object: KubeObject, selection: ListSelection): boolean {
  if (selection.namespace && object.metadata.namespace !== selection.namespace) return false;
  const labels = object.metadata.labels ?? {};
  return (
    terms(selection.labelSelector).every(term => labelTerm(term, labels)) &&
    terms(selection.fieldSelector).every(term => fieldTerm(term, object))
  );
}

function terms(selector: string | undefined): string[] {
  return (selector ?? '')
    .split(/,(?![^(]*\))/)
    .map(term => term.trim())
    .filter(Boolean);
}

function labelTerm(term: string, labels: Readonly<Record<string, string>>): boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set) {
    const value = labels[set[1]!];
    const among = value !== undefined && set[3]!.split(',').some(one => one.trim() === value);
    return set[2] === 'in' ? among : !among;
  }
  const equal = /^([^=!]+?)\s*(==|=|!=)\s*(.*)$/.exec(term);
  if (equal) return (labels[equal[1]!] === equal[3]) === (equal[2] !== '!=');
  return term.startsWith('!') ? labels[term.slice(1).trim()] === undefined : labels[term] !== undefined;
}

function fieldTerm(term: string, object: KubeObject): boolean {
  const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
  if (!match) throw new Error(`field selector ${term} cannot be read`);
  const value = match[1]!.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], object);
  return (String(value ?? '') === match[3]) === (match[2] !== '!=');
}
