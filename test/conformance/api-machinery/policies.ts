/** What the tests of both types of admission policies make. */
import type { Json } from '../api.ts';
import type { World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '/apis/admissionregistration.k8s.io/v1';

/** Creations and updates of deployments. */
export const deploymentRule = {
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  resources: ['deployments'],
  operations: ['CREATE', 'UPDATE'],
};

export type PolicyType = 'validating' | 'mutating';

export const policiesOf = (type: PolicyType): string => `${group}/${type}admissionpolicies`;
export const bindingsOf = (type: PolicyType): string => `${group}/${type}admissionpolicybindings`;

/** Labels the namespace, so that the policies of this test leave all others alone. */
export async function labelNamespace(world: World): Promise<void> {
  const labels = { [world.namespace]: 'true' };
  await world.api.patch(`/api/v1/namespaces/${world.namespace}`, { metadata: { labels } });
}

/** A policy about the test's namespace only; gives its path. */
export async function createPolicy(world: World, type: PolicyType, name: string, spec: Json): Promise<string> {
  const { resourceRules = [deploymentRule], ...rest } = spec;
  const unique = `${world.namespace}.${name}.example.com`;
  const namespaceSelector = { matchLabels: { [world.namespace]: 'true' } };
  const body = {
    metadata: { name: unique },
    spec: { matchConstraints: { namespaceSelector, resourceRules }, ...rest },
  };
  await world.api.create(policiesOf(type), body);
  world.cleanUp(() => world.api.send({ method: 'DELETE', path: `${policiesOf(type)}/${unique}` }));
  return `${policiesOf(type)}/${unique}`;
}

export async function bind(world: World, type: PolicyType, policy: string, more: Json = {}): Promise<void> {
  const name = `${world.namespace}.binding.example.com`;
  const namespaceSelector = { matchLabels: { [world.namespace]: 'true' } };
  const spec = { policyName: policy.split('/').at(-1), matchResources: { namespaceSelector }, ...more };
  await world.api.create(bindingsOf(type), { metadata: { name }, spec });
  world.cleanUp(() => world.api.send({ method: 'DELETE', path: `${bindingsOf(type)}/${name}` }));
}

/** A Deployment or a ReplicaSet. */
export function basicSet(name: string, replicas: number): Json {
  const labels = { app: 'nginx' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'nginx', image: 'nginx:latest' }] } };
  return { metadata: { name, labels }, spec: { replicas, selector: { matchLabels: labels }, template } };
}

/** Creates the deployment, and deletes it again, until the answer is as wanted. */
export function untilMarked(world: World, replicas: number, isMarked: (status: number, body: Json) => boolean) {
  const path = world.inNamespace('deployments', 'apps/v1');
  return eventually('the policy is in force', async () => {
    const body = basicSet('marker-deployment', replicas);
    const answer = await world.api.send({ method: 'POST', path, body });
    await world.api.send({ method: 'DELETE', path: `${path}/marker-deployment` });
    if (answer.status !== 201 && answer.status !== 422) throw new Error(JSON.stringify(answer.body));
    return isMarked(answer.status, answer.body);
  });
}
