import type { ResourceAttributes, SubjectAccessReviewSpec } from '#api';
import { parseFieldSelector, parseLabelSelector } from '#api';
import type { Attributes } from '../access.ts';

type FieldSelector = NonNullable<ResourceAttributes['fieldSelector']>;
type LabelSelector = NonNullable<ResourceAttributes['labelSelector']>;

/** What is to be allowed, as the spec of a SubjectAccessReview. */
export function toReviewSpec(asked: Attributes): SubjectAccessReviewSpec {
  const { user } = asked;
  const extra = Object.fromEntries(Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]]));
  const about: Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'> =
    asked.resource === undefined
      ? { nonResourceAttributes: { path: asked.path ?? '', verb: asked.verb } }
      : { resourceAttributes: toResourceAttributes(asked) };
  return {
    ...about,
    user: user.name,
    groups: [...user.groups],
    ...(Object.keys(extra).length > 0 && { extra }),
    ...(user.uid && { uid: user.uid }),
  };
}

function toResourceAttributes(asked: Attributes): ResourceAttributes {
  const { verb, namespace, group, version, resource, subresource, name } = asked;
  const fieldSelector = readFieldSelector(asked.fieldSelector);
  const labelSelector = readLabelSelector(asked.labelSelector);
  const attributes = { namespace, verb, group, version, resource, subresource, name, fieldSelector, labelSelector };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value)) as ResourceAttributes;
}

/** Undefined when there is none, or none that can be read: then the question is about everything. */
function readFieldSelector(text: string | undefined): FieldSelector | undefined {
  if (!text) return undefined;
  try {
    const requirements = parseFieldSelector(text).map(({ field, isEqual, value }) => ({
      key: field,
      operator: isEqual ? 'In' : 'NotIn',
      values: [value],
    }));
    return requirements.length > 0 ? { requirements } : undefined;
  } catch {
    // The list itself refuses it; whoever may list everything may hear so.
    return undefined;
  }
}

const labelOperators: Readonly<Record<string, string>> = {
  in: 'In',
  '=': 'In',
  '==': 'In',
  notin: 'NotIn',
  '!=': 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

function readLabelSelector(text: string | undefined): LabelSelector | undefined {
  if (!text) return undefined;
  try {
    const requirements = parseLabelSelector(text).flatMap(({ key, operator, values }) => {
      const word = labelOperators[operator];
      // Comparisons have no word in reviews: without them the question is about more, never about less.
      if (!word) return [];
      return [{ key, operator: word, ...(values.length > 0 && { values: [...values] }) }];
    });
    return requirements.length > 0 ? { requirements } : undefined;
  } catch {
    // As for fields.
    return undefined;
  }
}
