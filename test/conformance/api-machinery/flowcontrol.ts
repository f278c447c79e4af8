/** test/e2e/apimachinery/flowcontrol.go says what is demanded. */
import type { Suite } from '../suite.ts';
import { checkOperations } from './operations.ts';

const prefix = '[sig-api-machinery] API priority and fairness should support';
const place = { group: 'flowcontrol.apiserver.k8s.io', version: 'v1' };
const status = (reason: string) => ({
  conditions: [
    { type: 'Dangling', status: 'False', reason, message: 'set by a test', lastTransitionTime: '2026-01-01T00:00:00Z' },
  ],
});

export default function register({ conformance }: Suite): void {
  conformance(`${prefix} FlowSchema API operations`, world =>
    checkOperations(world, {
      ...{ ...place, resource: 'flowschemas', status },
      object: name => ({
        metadata: { name },
        spec: {
          matchingPrecedence: 10000,
          priorityLevelConfiguration: { name: 'global-default' },
          distinguisherMethod: { type: 'ByUser' },
          rules: [
            {
              subjects: [{ kind: 'User', user: { name: 'example-e2e-flow-schema-not-existing' } }],
              nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
            },
          ],
        },
      }),
      change: object => {
        object.spec.matchingPrecedence = 9999;
      },
    }),
  );

  conformance(`${prefix} PriorityLevelConfiguration API operations`, world =>
    checkOperations(world, {
      ...{ ...place, resource: 'prioritylevelconfigurations', status },
      object: name => ({
        metadata: { name },
        spec: {
          type: 'Limited',
          limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } },
        },
      }),
      change: object => {
        object.spec.limited.nominalConcurrencyShares = 4;
      },
    }),
  );
}
