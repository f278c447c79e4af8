import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ClusterRole } from '../../types.ts';
import { createdAtColumn, nameColumn } from '../columns.ts';
import { invalid, required } from '../field-error.ts';
import { checkLabelSelector } from '../label-selector.ts';
import { eachAt } from '../paths.ts';
import { checkPolicyRules } from './rules.ts';

function validate(role: ClusterRole): FieldError[] {
  const errors: FieldError[] = [];
  checkPolicyRules(errors, role.rules, false);
  const path = 'aggregationRule.clusterRoleSelectors';
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (role.aggregationRule && !selectors?.length) {
    errors.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  }
  eachAt(path, selectors, (at, selector) => {
    const before = errors.length;
    checkLabelSelector(errors, at, selector);
    if (errors.length > before) errors.push(invalid(at, null, 'invalid label selector.'));
  });
  return errors;
}

export const clusterRole: KindBehaviour<ClusterRole> = {
  nameRule: 'path',
  validateCreate: validate,
  validateUpdate: validate,
  columns: [nameColumn, createdAtColumn],
  createOnUpdate: true,
};
