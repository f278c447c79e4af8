import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ValidatingAdmissionPolicy } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { duplicate, pushInvalid, required } from '../field-error.ts';
import { checkIdentifier } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkConditions, checkMatchResources, checkPolicies, defaultMatchResources } from './rules.ts';

function validate(object: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const spec = object.spec ?? {};
  checkPolicies(errors, 'spec', { failurePolicy: spec.failurePolicy });
  if (spec.paramKind) {
    if (!spec.paramKind.apiVersion) errors.push(required('spec.paramKind.apiVersion'));
    if (!spec.paramKind.kind) errors.push(required('spec.paramKind.kind'));
  }
  if (!spec.matchConstraints) errors.push(required('spec.matchConstraints'));
  else {
    checkMatchResources(errors, 'spec.matchConstraints', spec.matchConstraints);
    if (!spec.matchConstraints.resourceRules?.length) errors.push(required('spec.matchConstraints.resourceRules'));
  }
  checkConditions(errors, 'spec.matchConditions', spec.matchConditions);
  const names = new Set<string>();
  eachAt('spec.variables', spec.variables, (at, { name, expression }) => {
    if (!name) errors.push(required(`${at}.name`, 'name is not specified'));
    else pushInvalid(errors, `${at}.name`, name, checkIdentifier(name));
    if (!expression?.trim()) errors.push(required(`${at}.expression`, 'expression is not specified'));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
  });
  if (!spec.validations?.length && !spec.auditAnnotations?.length) {
    const detail = 'validations or auditAnnotations must contain at least one item';
    errors.push(required('spec.validations', detail), required('spec.auditAnnotations', detail));
  }
  eachAt('spec.validations', spec.validations, (at, { expression }) => {
    if (!expression?.trim()) errors.push(required(`${at}.expression`, 'expression is not specified'));
  });
  eachAt('spec.auditAnnotations', spec.auditAnnotations, (at, { key, valueExpression }) => {
    if (!key) errors.push(required(`${at}.key`, 'key is not specified'));
    if (!valueExpression?.trim()) errors.push(required(`${at}.valueExpression`, 'valueExpression is not specified'));
  });
  return errors;
}

export const validatingAdmissionPolicy: KindBehaviour<ValidatingAdmissionPolicy> = {
  categories: ['api-extensions'],
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.failurePolicy ??= 'Fail';
    defaultMatchResources(draft.spec.matchConstraints);
  },
  ...specStrategy<ValidatingAdmissionPolicy>(),
  validateCreate: validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    count(
      'Validations',
      'Validations indicates the number of validation rules defined in this configuration',
      o => o.spec?.validations?.length,
    ),
    text('ParamKind', 'ParamKind specifies the kind of resources used to parameterize this policy', o => {
      return o.spec?.paramKind ? `${o.spec.paramKind.apiVersion}/${o.spec.paramKind.kind}` : '<unset>';
    }),
    ageColumn,
  ],
};
