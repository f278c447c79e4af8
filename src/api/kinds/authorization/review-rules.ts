import type { FieldError } from '../../kind.ts';
import type { NonResourceAttributes, ResourceAttributes } from '../../types.ts';
import { forbidden, invalid } from '../field-error.ts';

interface Question {
  resourceAttributes?: ResourceAttributes | undefined;
  nonResourceAttributes?: NonResourceAttributes | undefined;
  user?: string | undefined;
  groups?: string[] | undefined;
}

const oneOf = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
const notBoth = 'cannot be specified in combination with resourceAttributes';

/** What is asked about: a resource or a path, and not both. */
export function checkQuestion(errors: FieldError[], question: Question): void {
  const { resourceAttributes, nonResourceAttributes } = question;
  if (resourceAttributes && nonResourceAttributes) {
    errors.push(invalid('spec.nonResourceAttributes', nonResourceAttributes, notBoth));
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    errors.push(invalid('spec.resourceAttributes', nonResourceAttributes, oneOf));
  }
}

/** Who it is about. */
export function checkSubject(errors: FieldError[], question: Question): void {
  if (question.user || question.groups?.length) return;
  errors.push(invalid('spec.user', question.user ?? '', 'at least one of user or group must be specified'));
}

/** Questions about one namespace name it, and are not about paths. */
export function checkLocal(errors: FieldError[], question: Question, namespace: string | undefined): void {
  const asked = question.resourceAttributes?.namespace ?? '';
  if (question.resourceAttributes && asked !== (namespace ?? '')) {
    errors.push(invalid('spec.resourceAttributes.namespace', asked, 'must match metadata.namespace'));
  }
  if (question.nonResourceAttributes) {
    errors.push(forbidden('spec.nonResourceAttributes', 'disallowed on this kind of request'));
  }
}
