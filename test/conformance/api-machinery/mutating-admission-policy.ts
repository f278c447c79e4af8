/** MutatingAdmissionPolicy: upstream's test/e2e/apimachinery/mutatingadmissionpolicy.go. */
import type { Suite } from '../suite.ts';
import { checkOperations } from './operations.ts';
import { bind, createPolicy, deploymentRule, labelNamespace, untilMarked } from './policies.ts';

const group = '[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin]';
const applied = (expression: string) => [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }];
const reinvocationPolicy = 'Never';

export default function register({ conformance }: Suite): void {
  conformance(`${group} should mutate a Deployment with annotations`, async world => {
    await labelNamespace(world);
    const expression = `Object{
      metadata: Object.metadata{
        annotations: {
          "mutated-by": "admission-policy"
        }
      }
    }`;
    const mutations = applied(expression);
    await bind(world, 'mutating', await createPolicy(world, 'mutating', 'policy', { reinvocationPolicy, mutations }));
    await untilMarked(world, 1, (_, body) => body.metadata?.annotations?.['mutated-by'] === 'admission-policy');
  });

  conformance(`${group} should mutate a Deployment`, async world => {
    await labelNamespace(world);
    const mutations = applied('Object{spec: Object.spec{replicas: 1337}}');
    await bind(world, 'mutating', await createPolicy(world, 'mutating', 'policy', { reinvocationPolicy, mutations }));
    await untilMarked(world, 1, (_, body) => body.spec?.replicas === 1337);
  });

  conformance(`${group} should support MutatingAdmissionPolicy API operations`, world =>
    checkOperations(world, {
      ...{ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicies' },
      object: name => ({
        metadata: { name },
        spec: {
          reinvocationPolicy,
          mutations: applied('Object{spec: Object.spec{replicas: 100}}'),
          matchConstraints: { resourceRules: [{ ...deploymentRule, operations: ['CREATE'] }] },
        },
      }),
      change: policy => {
        policy.spec.reinvocationPolicy = 'IfNeeded';
      },
    }),
  );

  conformance(`${group} should support MutatingAdmissionPolicyBinding API operations`, world =>
    checkOperations(world, {
      ...{ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicybindings' },
      object: name => ({ metadata: { name }, spec: { policyName: 'replicalimit-policy.example.com' } }),
      change: binding => {
        binding.spec.policyName = 'new-policy.example.com';
      },
    }),
  );
}
