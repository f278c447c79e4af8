import type { ResourceAttributes } from '#api';
import type { Cause } from './refuse.ts';

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

type Selector = NonNullable<ResourceAttributes['fieldSelector']> | NonNullable<ResourceAttributes['labelSelector']>;

/** What is wrong with the selectors of a review. Operators that are not known here are taken: a newer client may know more (upstream's validation). */
export function checkSelectors(asked: ResourceAttributes | undefined): Cause[] {
  const root = 'spec.resourceAttributes';
  return (['fieldSelector', 'labelSelector'] as const).flatMap(name => {
    const selector = asked?.[name];
    return selector ? checkSelector(selector, `${root}.${name}`) : [];
  });
}

const required = (field: string, why: string): Cause => ({
  reason: 'FieldValueRequired',
  field,
  message: `Required value: ${why}`,
});

function checkSelector({ rawSelector = '', requirements = [] }: Selector, path: string): Cause[] {
  const errors: Cause[] = [];
  if (rawSelector && requirements.length > 0) {
    const message = `Invalid value: ${JSON.stringify(rawSelector)}: may not specified at the same time as requirements`;
    errors.push({ reason: 'FieldValueInvalid', field: `${path}.rawSelector`, message });
  }
  if (!rawSelector && requirements.length === 0)
    errors.push(required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`));
  requirements.forEach(({ key, operator, values = [] }, index) => {
    const at = `${path}.requirements[${index}]`;
    if (!key) errors.push(required(`${at}.key`, 'must be specified'));
    const takesValues = operator === 'In' || operator === 'NotIn';
    if (takesValues && values.length === 0)
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      const message = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push({ reason: 'FieldValueForbidden', field: `${at}.values`, message });
    }
  });
  return errors;
}
