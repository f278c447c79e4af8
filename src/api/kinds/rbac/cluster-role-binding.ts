import type { KindBehaviour } from '../../kind.ts';
import type { ClusterRoleBinding } from '../../types.ts';
import { bindingColumns } from './binding-columns.ts';
import { checkSameRole, defaultBinding, validateBinding } from './rules.ts';

const roleKinds: readonly string[] = ['ClusterRole'];

export const clusterRoleBinding: KindBehaviour<ClusterRoleBinding> = {
  nameRule: 'path',
  defaults: defaultBinding,
  validateCreate: binding => validateBinding(binding, roleKinds, false),
  validateUpdate(binding, old) {
    const errors = validateBinding(binding, roleKinds, false);
    checkSameRole(errors, binding, old);
    return errors;
  },
  columns: bindingColumns('clusterRoleBinding'),
  createOnUpdate: true,
};
