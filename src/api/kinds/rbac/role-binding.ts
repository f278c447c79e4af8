import type { KindBehaviour } from '../../kind.ts';
import type { RoleBinding } from '../../types.ts';
import { bindingColumns } from './binding-columns.ts';
import { checkSameRole, defaultBinding, validateBinding } from './rules.ts';

const roleKinds: readonly string[] = ['Role', 'ClusterRole'];

export const roleBinding: KindBehaviour<RoleBinding> = {
  nameRule: 'path',
  defaults: defaultBinding,
  validateCreate: binding => validateBinding(binding, roleKinds, true),
  validateUpdate(binding, old) {
    const errors = validateBinding(binding, roleKinds, true);
    checkSameRole(errors, binding, old);
    return errors;
  },
  columns: bindingColumns('roleBinding'),
  createOnUpdate: true,
};
