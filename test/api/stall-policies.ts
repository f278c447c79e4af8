/** Admission policies at the top of what they may cost. */
import type { StallCase } from './stall-cases.ts';
import { custom, customPath, definition, definitions, group, numbers, openSchema, post, times } from './stall-cases.ts';

const admissionPath = '/apis/admissionregistration.k8s.io/v1';

/** A policy about a kind of its own, and an object of it. */
function policyCase(
  name: string,
  plural: string,
  from: { variables?: readonly string[]; rules: readonly string[]; spec: object; status?: number },
): StallCase {
  const { variables = [], rules, spec } = from;
  const operations = ['CREATE'];
  const resourceRules = [{ apiGroups: [group], apiVersions: ['v1'], operations, resources: [plural] }];
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: plural },
    spec: {
      matchConstraints: { resourceRules },
      variables: variables.map((expression, index) => ({ name: `v${index}`, expression })),
      validations: rules.map(expression => ({ expression })),
    },
  };
  const binding = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: plural },
    spec: { policyName: plural, validationActions: ['Deny'] },
  };
  return {
    name,
    before: [
      post(definitions, definition(plural, openSchema)),
      post(`${admissionPath}/validatingadmissionpolicies`, policy),
      post(`${admissionPath}/validatingadmissionpolicybindings`, binding),
    ],
    ready: customPath(plural),
    call: custom(plural, spec),
    status: from.status ?? [201, 422],
  };
}

export const policyCases: readonly StallCase[] = [
  policyCase('a policy of twelve rules with nested loops', 'polnested', {
    rules: times(12, index => `object.spec.list.all(x, object.spec.list.all(y, x != y || x >= ${-index}))`),
    spec: { list: numbers(330) },
  }),
  policyCase('a policy whose rule asks for ten dear variables', 'polvariables', {
    variables: times(10, index => `object.spec.list.all(x, object.spec.list.all(y, x != y || x >= ${-index}))`),
    rules: [times(10, index => `variables.v${index}`).join(' && ')],
    spec: { list: numbers(330) },
  }),
  policyCase('a policy that compares sets of objects', 'polsets', {
    rules: times(6, () => 'sets.contains(object.spec.list, object.spec.list)'),
    spec: { list: times(600, index => ({ a: numbers(20), b: String(index) })) },
    status: 201,
  }),
  policyCase('a policy that compares sets of objects that are hard to tell apart', 'polhard', {
    rules: times(6, () => 'sets.contains(object.spec.list, object.spec.list)'),
    spec: { list: times(600, index => ({ a: times(10, at => ({ b: at ? 0 : index })) })) },
  }),
  policyCase('a policy about times and quantities', 'poltimes', {
    rules: [
      `object.spec.times.all(x, timestamp(x).getFullYear("Europe/Berlin") > 1)`,
      `object.spec.amounts.all(x, quantity(x).isGreaterThan(quantity("1n")))`,
      `object.spec.times.all(x, x.matches("^([0-9]+-?)+T.*(Z|[+].*)$"))`,
    ],
    spec: {
      times: times(20000, index => `2026-01-01T00:${String(index % 60).padStart(2, '0')}:00Z`),
      amounts: times(50000, index => `${index}.5Mi`),
    },
  }),
];
