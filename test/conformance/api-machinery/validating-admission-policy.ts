/** ValidatingAdmissionPolicy: upstream's test/e2e/apimachinery/validatingadmissionpolicy.go. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import { define } from '../definitions.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';
import { checkOperations } from './operations.ts';
import { basicSet, bind, createPolicy, deploymentRule, labelNamespace, untilMarked } from './policies.ts';

const group = '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin]';
const create = (world: World, resource: string, name: string, replicas: number) =>
  world.api.create(world.inNamespace(resource, 'apps/v1'), basicSet(name, replicas));

/** The status once types have been checked. */
async function checkedTypes(world: World, path: string, isDone: (checking: Json) => boolean = () => true) {
  const found = await eventually('types are checked', async () => {
    const { status } = await world.api.get(path);
    return status?.typeChecking && isDone(status.typeChecking) && status.typeChecking;
  });
  return (found.expressionWarnings ?? []) as { fieldRef: string; warning: string }[];
}

function warned(warnings: readonly { fieldRef: string; warning: string }[], wanted: readonly [string, string][]): void {
  assert.deepEqual(
    warnings.map(({ fieldRef }) => fieldRef),
    wanted.map(([field]) => field),
  );
  for (const [index, [, text]] of wanted.entries())
    assert.ok(warnings[index]?.warning.includes(text), warnings[index]?.warning);
}

async function typeChecksCustom(world: World): Promise<void> {
  const schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: { cronSpec: { type: 'string' }, image: { type: 'string' }, replicas: { type: 'integer' } },
      },
    },
  };
  const definition = await define(world, 'crontab', { versions: { v1: schema } });
  const document = `/openapi/v3/apis/${definition.group}/v1`;
  await eventually('it is in the documents', async () => (await world.api.send({ path: document })).status === 200);
  const resourceRules = [{ ...deploymentRule, apiGroups: [definition.group], resources: [definition.plural] }];
  const correct = await createPolicy(world, 'validating', 'correct-crd-policy', {
    resourceRules,
    validations: [{ expression: 'object.spec.replicas > 1' }],
  });
  assert.deepEqual(await checkedTypes(world, correct), []);
  const confused = await createPolicy(world, 'validating', 'confused-crd-policy', {
    resourceRules,
    validations: [{ expression: "object.spec.replicas > '1'" }, { expression: 'object.spec.maxRetries < 10' }],
  });
  warned(await checkedTypes(world, confused), [
    ['spec.validations[0].expression', "found no matching overload for '_>_' applied to '(int, string)'"],
    ['spec.validations[1].expression', "undefined field 'maxRetries'"],
  ]);
}

export default function register({ conformance }: Suite): void {
  conformance(`${group} should validate against a Deployment`, async world => {
    await labelNamespace(world);
    const messageExpression = "'wants replicas > 1, got ' + object.spec.replicas";
    const policy = await createPolicy(world, 'validating', 'policy', {
      validations: [
        { expression: 'object.spec.replicas > 1', messageExpression },
        {
          expression: `namespaceObject.metadata.name == '${world.namespace}'`,
          message: 'Internal error! Other namespace should not be allowed.',
        },
      ],
    });
    await bind(world, 'validating', policy, { validationActions: ['Deny'] });
    await untilMarked(world, 1, (status, body) => status === 422 && body.reason === 'Invalid');
    await create(world, 'deployments', 'replicated', 2);
    await create(world, 'replicasets', 'non-replicated', 1);
  });

  // Upstream has these two beside its conformance tests.
  conformance(`${group} should type check validation expressions`, async world => {
    const correct = await createPolicy(world, 'validating', 'correct-policy', {
      validations: [{ expression: 'object.spec.replicas > 1' }],
    });
    assert.deepEqual(await checkedTypes(world, correct), []);
    const messageExpression = "'wants replicas > 1, got ' + object.spec.replicas";
    const confused = await createPolicy(world, 'validating', 'confused-policy', {
      validations: [{ expression: "object.spec.replicas > '1'", messageExpression }],
    });
    warned(await checkedTypes(world, confused), [
      ['spec.validations[0].expression', "found no matching overload for '_>_' applied to '(int, string)'"],
      ['spec.validations[0].messageExpression', "found no matching overload for '_+_' applied to '(string, int)'"],
    ]);
  });
  conformance(`${group} should type check a CRD`, typeChecksCustom);

  conformance(`${group} should allow expressions to refer variables.`, async world => {
    await labelNamespace(world);
    const policy = await createPolicy(world, 'validating', 'policy', {
      variables: [
        { name: 'replicas', expression: 'object.spec.replicas' },
        { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
      ],
      validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }],
    });
    await bind(world, 'validating', policy, { validationActions: ['Deny'] });
    await untilMarked(world, 1, (status, body) => status === 422 && body.reason === 'Invalid');
    await create(world, 'deployments', 'replicated', 3);
    await create(world, 'replicasets', 'non-replicated', 1);
  });

  conformance(`${group} should support ValidatingAdmissionPolicy API operations`, world =>
    checkOperations(world, {
      ...{ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicies' },
      object: name => ({
        metadata: { name },
        spec: {
          validations: [{ expression: 'object.spec.replicas <= 100' }],
          matchConstraints: { resourceRules: [{ ...deploymentRule, operations: ['CREATE'] }] },
        },
      }),
      change: policy => {
        policy.spec.failurePolicy = 'Ignore';
      },
      status: note => ({
        conditions: [
          {
            ...{ type: note, status: 'False', reason: 'e2e', message: 'Set from an e2e test' },
            lastTransitionTime: '2024-01-01T00:00:00Z',
          },
        ],
      }),
    }),
  );

  conformance(`${group} should support ValidatingAdmissionPolicyBinding API operations`, world =>
    checkOperations(world, {
      ...{ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicybindings' },
      object: name => ({
        metadata: { name },
        spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'] },
      }),
      change: binding => {
        binding.spec.policyName = 'new-policy.example.com';
      },
    }),
  );
}
