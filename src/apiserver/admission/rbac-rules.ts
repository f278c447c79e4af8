import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '#api';
import { resources } from '#api';
import type { Authorization } from '../access/authorize.ts';
import { checkBindingWrite, checkRoleWrite } from '../access/escalation.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { draftOf, isAbout, oldOf } from './request.ts';

/** Roles and bindings cannot give more than their writer holds. Upstream has this in the storage of those kinds. */
export function createRbacEscalationCheck(authorization: Authorization): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    async validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      const { user, namespace } = request;
      if (isAbout(request, resources.roles) || isAbout(request, resources.clusterroles)) {
        const object = draftOf<Role | ClusterRole>(request);
        if (object) await checkRoleWrite(authorization, { user, namespace, object, old: oldOf(request) });
      }
      if (isAbout(request, resources.rolebindings) || isAbout(request, resources.clusterrolebindings)) {
        const object = draftOf<RoleBinding | ClusterRoleBinding>(request);
        if (object) await checkBindingWrite(authorization, { user, namespace, object, old: oldOf(request) });
      }
    },
  };
}
