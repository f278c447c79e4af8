import type { ResourceAttributes } from '#api';

/** Characters that mean something in a field selector. */
const special = /[\\,=]/g;

/** The field selector that a review asks about, as in a URL; undefined: none. What cannot be said in one is left out: then the question is about more. */
export function fieldSelectorOf({ fieldSelector }: ResourceAttributes): string | undefined {
  if (!fieldSelector) return undefined;
  if (fieldSelector.rawSelector) return fieldSelector.rawSelector;
  const terms = (fieldSelector.requirements ?? []).flatMap(({ key, operator, values = [] }) => {
    const value = (values[0] ?? '').replace(special, '\\$&');
    if (values.length !== 1) return [];
    return operator === 'In' ? [`${key}=${value}`] : operator === 'NotIn' ? [`${key}!=${value}`] : [];
  });
  return terms.length > 0 ? terms.join(',') : undefined;
}

/** The label selector likewise. */
export function labelSelectorOf({ labelSelector }: ResourceAttributes): string | undefined {
  if (!labelSelector) return undefined;
  if (labelSelector.rawSelector) return labelSelector.rawSelector;
  const terms = (labelSelector.requirements ?? []).flatMap(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return [key];
    if (operator === 'DoesNotExist') return [`!${key}`];
    const word = operator === 'In' ? 'in' : operator === 'NotIn' ? 'notin' : undefined;
    return word && values.length > 0 ? [`${key} ${word} (${values.join(',')})`] : [];
  });
  return terms.length > 0 ? terms.join(',') : undefined;
}
