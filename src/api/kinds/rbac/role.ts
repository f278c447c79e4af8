import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Role } from '../../types.ts';
import { createdAtColumn, nameColumn } from '../columns.ts';
import { checkPolicyRules } from './rules.ts';

function validate(role: Role): FieldError[] {
  const errors: FieldError[] = [];
  checkPolicyRules(errors, role.rules, true);
  return errors;
}

export const role: KindBehaviour<Role> = {
  nameRule: 'path',
  validateCreate: validate,
  validateUpdate: validate,
  columns: [nameColumn, createdAtColumn],
  createOnUpdate: true,
};
