import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import type { User } from '../user.ts';
import { createAuthorization } from './authorize.ts';
import { controllerClusterRoleBindings, controllerClusterRoles } from './bootstrap-controller-roles.ts';
import { bootstrapRoleBindings, bootstrapRoles } from './bootstrap-namespace-roles.ts';
import { bootstrapClusterRoleBindings, bootstrapClusterRoles } from './bootstrap-roles.ts';
import { createFakeReader } from './testing.ts';

function bootstrapped() {
  const reader = createFakeReader();
  reader.put(resources.clusterroles, ...bootstrapClusterRoles, ...controllerClusterRoles);
  reader.put(resources.clusterrolebindings, ...bootstrapClusterRoleBindings, ...controllerClusterRoleBindings);
  reader.put(resources.roles, ...bootstrapRoles);
  reader.put(resources.rolebindings, ...bootstrapRoleBindings);
  for (const name of ['admin', 'edit', 'view']) {
    reader.put(resources.rolebindings, {
      metadata: { name, namespace: 'team' },
      roleRef: { kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name }],
    });
  }
  return { reader, authorization: createAuthorization(reader) };
}

const group: Readonly<Record<string, string>> = {
  deployments: 'apps',
  roles: 'rbac.authorization.k8s.io',
  leases: 'coordination.k8s.io',
  jobs: 'batch',
  ingresses: 'networking.k8s.io',
  endpointslices: 'discovery.k8s.io',
  clusterroles: 'rbac.authorization.k8s.io',
  resourceclaims: 'resource.k8s.io',
};

/** Verbs that each role has on a resource in its namespace, of these: get list create update delete impersonate escalate. */
const matrix: readonly [resource: string, admin: string, edit: string, view: string][] = [
  ['pods', 'get list create update delete', 'get list create update delete', 'get list'],
  ['pods/exec', 'get list create update delete', 'get list create update delete', ''],
  ['pods/log', 'get list', 'get list', 'get list'],
  ['pods/eviction', 'create', 'create', ''],
  ['pods/status', 'get list', 'get list', 'get list'],
  ['secrets', 'get list create update delete', 'get list create update delete', ''],
  ['configmaps', 'get list create update delete', 'get list create update delete', 'get list'],
  ['endpoints', 'get list', 'get list', 'get list'],
  [
    'serviceaccounts',
    'get list create update delete impersonate',
    'get list create update delete impersonate',
    'get list',
  ],
  ['serviceaccounts/token', 'create', 'create', ''],
  ['resourcequotas', 'get list', 'get list', 'get list'],
  ['limitranges', 'get list', 'get list', 'get list'],
  ['namespaces', 'get list', 'get list', 'get list'],
  ['nodes', '', '', ''],
  ['deployments', 'get list create update delete', 'get list create update delete', 'get list'],
  ['deployments/scale', 'get list create update delete', 'get list create update delete', 'get list'],
  ['jobs', 'get list create update delete', 'get list create update delete', 'get list'],
  ['ingresses', 'get list create update delete', 'get list create update delete', 'get list'],
  ['endpointslices', 'get list', 'get list', 'get list'],
  ['leases', 'get list create update delete', 'get list create update delete', ''],
  ['roles', 'get list create update delete', '', ''],
  ['clusterroles', '', '', ''],
  ['resourceclaims', 'get list create update delete', 'get list create update delete', 'get list'],
];
const verbs = 'get list create update delete impersonate escalate'.split(' ');

test('admin, edit and view hold exactly the verbs that upstream gives them', () => {
  const { authorization } = bootstrapped();
  for (const [path, ...expected] of matrix) {
    const [resource = '', subresource] = path.split('/');
    ['admin', 'edit', 'view'].forEach((name, column) => {
      const user = { name, groups: ['system:authenticated'] };
      const asked = { user, group: group[resource] ?? '', resource, subresource, namespace: 'team', name: 'x' };
      const held = verbs.filter(verb => authorization.authorize({ ...asked, verb }).verdict === 'allow');
      assert.equal(held.join(' '), expected[column], `${name} on ${path}`);
      const elsewhere = { ...asked, namespace: 'other', verb: 'get' };
      assert.equal(authorization.authorize(elsewhere).verdict, 'no-opinion', `${name} on ${path} elsewhere`);
    });
  }
});

test('components hold what they work with and no more', () => {
  const { authorization } = bootstrapped();
  const account = (name: string): User => ({
    name: `system:serviceaccount:kube-system:${name}`,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  });
  const scheduler: User = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };
  const cases: readonly [User, string, string, string, boolean][] = [
    [scheduler, 'create', '', 'pods/binding', true],
    [scheduler, 'update', '', 'nodes', false],
    [scheduler, 'update', '', 'persistentvolumeclaims', true],
    [account('deployment-controller'), 'create', 'apps', 'replicasets', true],
    [account('deployment-controller'), 'create', '', 'pods', false],
    [account('replicaset-controller'), 'create', '', 'pods', true],
    [account('namespace-controller'), 'deletecollection', 'example.com', 'anythings', true],
    [account('generic-garbage-collector'), 'patch', 'example.com', 'anythings', true],
    [account('root-ca-cert-publisher'), 'get', '', 'secrets', false],
    [account('no-such-controller'), 'list', '', 'pods', false],
  ];
  for (const [user, verb, apiGroup, path, allowed] of cases) {
    const [resource, subresource] = path.split('/');
    const decision = authorization.authorize({ user, verb, group: apiGroup, resource, subresource, namespace: 'x' });
    assert.equal(decision.verdict === 'allow', allowed, `${user.name} ${verb} ${path}`);
  }
});

test('paths: anyone sees health and version, only the authenticated see discovery, monitoring is for its group', () => {
  const { authorization } = bootstrapped();
  const users = {
    anonymous: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
    plain: { name: 'jane', groups: ['system:authenticated'] },
    monitor: { name: 'prometheus', groups: ['system:authenticated', 'system:monitoring'] },
  };
  const table: readonly [string, string][] = [
    ['/readyz', 'anonymous plain monitor'],
    ['/version', 'anonymous plain monitor'],
    ['/apis/apps/v1', 'plain monitor'],
    ['/openapi/v3', 'plain monitor'],
    ['/metrics', 'monitor'],
    ['/readyz/ping', 'monitor'],
    ['/debug/pprof', ''],
  ];
  for (const [path, expected] of table) {
    const held = Object.entries(users).filter(
      ([, user]) => authorization.authorize({ user, verb: 'get', path }).verdict === 'allow',
    );
    assert.equal(held.map(([name]) => name).join(' '), expected, path);
  }
});
