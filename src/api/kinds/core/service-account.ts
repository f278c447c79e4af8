import type { KindBehaviour } from '../../kind.ts';
import type { ServiceAccount } from '../../types.ts';
import { ageColumn, nameColumn } from '../columns.ts';

const mountable = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccount: KindBehaviour<ServiceAccount> = {
  shortNames: ['sa'],
  validateCreate: () => [],
  warnings(object, old) {
    const says = (account: ServiceAccount | undefined) => account?.metadata.annotations?.[mountable] !== undefined;
    if (says(old) || !says(object)) return [];
    const advice = 'prefer separate namespaces to isolate access to mounted secrets';
    return [`metadata.annotations[${mountable}]: deprecated in v1.32+; ${advice}`];
  },
  columns: [nameColumn, ageColumn],
};
