import type { KindBehaviour } from '../../kind.ts';
import type { ServiceAccount } from '../../types.ts';
import { ageColumn, count, nameColumn } from '../columns.ts';

export const serviceAccount: KindBehaviour<ServiceAccount> = {
  shortNames: ['sa'],
  validateCreate: () => [],
  warnings(object) {
    if (object.metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'] !== 'true') return [];
    const field = 'metadata.annotations[kubernetes.io/enforce-mountable-secrets]';
    const advice = 'prefer separate namespaces to isolate access to mounted secrets';
    return [`${field}: deprecated in v1.32+; ${advice}`];
  },
  columns: [
    nameColumn,
    { ...count<ServiceAccount>('Secrets', 'Number of listed secrets.', o => o.secrets?.length), type: 'string' },
    ageColumn,
  ],
};
