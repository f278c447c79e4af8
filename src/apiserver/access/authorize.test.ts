import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterRole, type Pod, resources } from '#api';
import type { User } from '../user.ts';
import { createAuthorization } from './authorize.ts';
import { checkBindingWrite, checkRoleWrite } from './escalation.ts';
import { impersonate } from './impersonate.ts';
import { forbiddenStatus } from './refuse.ts';
import { createFakeReader } from './testing.ts';

const jane: User = { name: 'jane', groups: ['dev', 'system:authenticated'] };

function open() {
  const reader = createFakeReader();
  const readPods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] };
  reader.put(
    resources.clusterroles,
    { metadata: { name: 'pod-reader' }, rules: [readPods] },
    {
      metadata: { name: 'one-map' },
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['x'] }],
    },
    { metadata: { name: 'scaler' }, rules: [{ verbs: ['update'], apiGroups: ['*'], resources: ['*/scale'] }] },
  );
  reader.put(resources.roles, {
    metadata: { name: 'writer', namespace: 'team' },
    rules: [{ verbs: ['*'], apiGroups: [''], resources: ['pods'] }],
  });
  const ref = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
  const dev = [{ kind: 'Group', name: 'dev' }];
  reader.put(
    resources.clusterrolebindings,
    { metadata: { name: 'read' }, roleRef: ref('ClusterRole', 'pod-reader'), subjects: dev },
    { metadata: { name: 'scale' }, roleRef: ref('ClusterRole', 'scaler'), subjects: dev },
    { metadata: { name: 'broken' }, roleRef: ref('ClusterRole', 'gone'), subjects: [{ kind: 'User', name: 'mary' }] },
  );
  reader.put(
    resources.rolebindings,
    {
      metadata: { name: 'write', namespace: 'team' },
      roleRef: ref('Role', 'writer'),
      subjects: [{ kind: 'User', name: 'jane' }],
    },
    {
      metadata: { name: 'map', namespace: 'team' },
      roleRef: ref('ClusterRole', 'one-map'),
      subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'ci' }],
    },
  );
  return { reader, authorization: createAuthorization(reader) };
}

test('the reason of an allowance names the binding, the role and the subject', () => {
  const { authorization } = open();
  const ask = (user: User, verb: string, resource: string, more: object = {}) =>
    authorization.authorize({ user, verb, group: '', version: 'v1', resource, ...more }).reason;
  assert.equal(
    ask(jane, 'list', 'pods'),
    'RBAC: allowed by ClusterRoleBinding "read" of ClusterRole "pod-reader" to Group "dev"',
  );
  assert.equal(
    ask(jane, 'create', 'pods', { namespace: 'team' }),
    'RBAC: allowed by RoleBinding "write/team" of Role "writer" to User "jane"',
  );
  const robot = { name: 'system:serviceaccount:ci:robot', groups: [] };
  assert.equal(
    ask(robot, 'get', 'configmaps', { namespace: 'team', name: 'x' }),
    'RBAC: allowed by RoleBinding "map/team" of ClusterRole "one-map" to ServiceAccount "robot/ci"',
  );
  assert.equal(ask(robot, 'get', 'configmaps', { namespace: 'team', name: 'y' }), '');
  assert.equal(ask(robot, 'list', 'configmaps', { namespace: 'team' }), '');
  assert.match(ask(jane, 'update', 'deployments', { group: 'apps', subresource: 'scale', namespace: 'x' }), /"scaler"/);
  assert.equal(ask(jane, 'update', 'deployments', { group: 'apps', namespace: 'x' }), '');
});

test('a 403 reads as upstream writes it', () => {
  const { authorization } = open();
  const table: readonly [object, string][] = [
    [
      { verb: 'list', group: '', resource: 'secrets', namespace: 'default' },
      'secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"',
    ],
    [
      { verb: 'get', group: 'apps', resource: 'deployments', subresource: 'status', namespace: 'x', name: 'web' },
      'deployments.apps "web" is forbidden: User "jane" cannot get resource "deployments/status" in API group "apps" in the namespace "x"',
    ],
    [
      { verb: 'create', group: '', resource: 'nodes' },
      'nodes is forbidden: User "jane" cannot create resource "nodes" in API group "" at the cluster scope',
    ],
    [{ verb: 'get', path: '/metrics' }, 'forbidden: User "jane" cannot get path "/metrics"'],
  ];
  for (const [asked, message] of table) {
    const attributes = { user: jane, ...(asked as { verb: string }) };
    const decision = authorization.authorize(attributes);
    assert.equal(decision.verdict, 'no-opinion');
    const refusal = forbiddenStatus(attributes, decision.reason);
    assert.equal(refusal.message, message);
    assert.equal(refusal.status.code, 403);
  }
  const mary = {
    user: { name: 'mary', groups: [] },
    verb: 'get',
    group: '',
    resource: 'pods',
    name: 'x',
    namespace: 'y',
  };
  assert.equal(
    forbiddenStatus(mary, authorization.authorize(mary).reason).message,
    'pods "x" is forbidden: User "mary" cannot get resource "pods" in API group "" in the namespace "y": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
  );
});

test('a change of roles and bindings counts at once', () => {
  const { reader, authorization } = open();
  const asked = { user: jane, verb: 'delete', group: '', resource: 'secrets', namespace: 'z' };
  assert.equal(authorization.authorize(asked).verdict, 'no-opinion');
  const role: ClusterRole = {
    metadata: { name: 'pod-reader' },
    rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  };
  reader.put(resources.clusterroles, role);
  assert.equal(authorization.authorize(asked).verdict, 'allow');
  reader.remove(resources.clusterroles, role);
  assert.equal(authorization.authorize(asked).verdict, 'no-opinion');
});

test('an aggregated role holds what its parts hold, parts of parts included', () => {
  const { reader, authorization } = open();
  const label = (to: string) => ({ [`to-${to}`]: 'true' });
  const rule = (resource: string) => [{ verbs: ['get'], apiGroups: [''], resources: [resource] }];
  reader.put(
    resources.clusterroles,
    { metadata: { name: 'top' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: label('top') }] } },
    {
      metadata: { name: 'middle', labels: label('top') },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: label('middle') }] },
    },
    { metadata: { name: 'leaf', labels: label('middle') }, rules: rule('secrets') },
  );
  reader.put(resources.clusterrolebindings, {
    metadata: { name: 'top' },
    roleRef: { kind: 'ClusterRole', name: 'top' },
    subjects: [{ kind: 'User', name: 'mary' }],
  });
  const asked = { user: { name: 'mary', groups: [] }, verb: 'get', group: '', namespace: 'a', name: 'b' };
  assert.equal(authorization.authorize({ ...asked, resource: 'secrets' }).verdict, 'allow');
  reader.put(resources.clusterroles, { metadata: { name: 'crd-part', labels: label('top') }, rules: rule('widgets') });
  assert.equal(authorization.authorize({ ...asked, resource: 'widgets' }).verdict, 'allow');
  const { resourceRules, incomplete } = authorization.rulesFor(asked.user, 'a');
  assert.deepEqual(
    resourceRules.map(found => found.resources),
    [['widgets'], ['secrets']],
  );
  assert.equal(incomplete, true, 'another binding of mary names a role that is gone');
});

test('a kubelet reaches what its own pods need and nothing else', () => {
  const { reader, authorization } = open();
  const pod = (name: string, nodeName: string, secretName: string): Pod => ({
    metadata: { name, namespace: 'team', uid: name },
    spec: {
      nodeName,
      serviceAccountName: `account-of-${name}`,
      containers: [{ name: 'a', envFrom: [{ configMapRef: { name: `map-of-${name}` } }] }],
      volumes: [
        { name: 's', secret: { secretName } },
        { name: 'p', persistentVolumeClaim: { claimName: `claim-of-${name}` } },
      ],
    },
  });
  const mine = pod('mine', 'n1', 'my-secret');
  reader.put(resources.pods, mine, pod('other', 'n2', 'other-secret'));
  reader.put(resources.persistentvolumes, {
    metadata: { name: 'pv-mine' },
    spec: {
      claimRef: { namespace: 'team', name: 'claim-of-mine' },
      csi: { driver: 'd', volumeHandle: 'h', nodeStageSecretRef: { name: 'csi', namespace: 'vault' } },
    },
  });
  const user = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
  const ask = (verb: string, path: string, namespace: string | undefined, name: string, more: object = {}) => {
    const [resource = '', subresource] = path.split('/');
    return authorization.authorize({ user, verb, group: '', resource, subresource, namespace, name, ...more });
  };
  const allowed: readonly Parameters<typeof ask>[] = [
    ['get', 'secrets', 'team', 'my-secret'],
    ['watch', 'configmaps', 'team', 'map-of-mine'],
    ['get', 'persistentvolumeclaims', 'team', 'claim-of-mine'],
    ['get', 'persistentvolumes', undefined, 'pv-mine'],
    ['get', 'secrets', 'vault', 'csi'],
    ['create', 'serviceaccounts/token', 'team', 'account-of-mine'],
    ['get', 'pods', 'team', 'mine'],
    ['get', 'nodes', undefined, 'n1'],
    ['patch', 'nodes/status', undefined, 'n1'],
    ['list', 'pods', undefined, '', { fieldSelector: 'spec.nodeName=n1' }],
    ['update', 'leases', 'kube-node-lease', 'n1', { group: 'coordination.k8s.io' }],
    ['list', 'services', undefined, ''],
  ];
  for (const asked of allowed) assert.equal(ask(...asked).verdict, 'allow', asked.slice(0, 4).join(' '));
  const unrelated = "no relationship found between node 'n1' and this object";
  const refused: readonly [Parameters<typeof ask>, string][] = [
    [['get', 'secrets', 'team', 'other-secret'], unrelated],
    [['list', 'secrets', 'team', ''], 'No Object name found'],
    [['delete', 'secrets', 'team', 'my-secret'], 'can only read resources of this type'],
    [['create', 'serviceaccounts/token', 'team', 'account-of-other'], unrelated],
    [['get', 'pods', 'team', 'other'], unrelated],
    [['list', 'pods', undefined, ''], 'can only list/watch pods with spec.nodeName field selector'],
    [['get', 'nodes', undefined, 'n2'], "node 'n1' cannot read 'n2', only its own Node object"],
    [
      ['update', 'leases', 'kube-node-lease', 'n2', { group: 'coordination.k8s.io' }],
      'can only access node lease with the same name as the requesting node',
    ],
    [
      ['update', 'leases', 'default', 'n1', { group: 'coordination.k8s.io' }],
      'can only access leases in the "kube-node-lease" system namespace',
    ],
  ];
  for (const [asked, reason] of refused) {
    assert.deepEqual(ask(...asked), { verdict: 'no-opinion', reason }, asked.slice(0, 4).join(' '));
  }
  reader.put(resources.pods, { ...mine, status: { phase: 'Succeeded' } });
  assert.equal(ask('get', 'secrets', 'team', 'my-secret').verdict, 'no-opinion', 'a finished pod needs nothing');
  reader.remove(resources.pods, mine);
  assert.equal(ask('get', 'pods', 'team', 'mine').verdict, 'no-opinion');
});

test('nobody grants what he does not hold', async () => {
  const { reader, authorization } = open();
  const write = (rules: ClusterRole['rules'], old?: ClusterRole['rules']) => () =>
    checkRoleWrite(authorization, {
      user: jane,
      namespace: 'team',
      object: { metadata: { name: 'r', namespace: 'team' }, rules },
      old: old && { metadata: { name: 'r', namespace: 'team' }, rules: old },
    });
  const held = [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }];
  const wanted = [{ verbs: ['get', 'delete'], apiGroups: ['', 'apps'], resources: ['secrets'] }];
  await write(held)();
  await write(wanted, wanted)();
  await assert.rejects(write(wanted), {
    message:
      'roles.rbac.authorization.k8s.io "r" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}\n{APIGroups:["apps"], Resources:["secrets"], Verbs:["get" "delete"]}',
  });
  const bind = (name: string) => () =>
    checkBindingWrite(authorization, {
      user: jane,
      namespace: 'team',
      object: { metadata: { name: 'b', namespace: 'team' }, roleRef: { kind: 'ClusterRole', name }, subjects: [] },
      old: undefined,
    });
  await bind('pod-reader')();
  await assert.rejects(
    bind('one-map'),
    /rolebindings.rbac.authorization.k8s.io "b" is forbidden: user "jane" .*ResourceNames:\["x"\]/s,
  );
  await assert.rejects(bind('gone'), { message: 'clusterroles.rbac.authorization.k8s.io "gone" not found' });
  reader.put(resources.roles, {
    metadata: { name: 'writer', namespace: 'team' },
    rules: [
      {
        verbs: ['bind'],
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
        resourceNames: ['one-map'],
      },
      { verbs: ['escalate'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'] },
    ],
  });
  await bind('one-map')();
  await write(wanted)();
});

test('somebody may be somebody else for one kind of request only', async () => {
  const { reader, authorization } = open();
  const asked = { user: jane, verb: 'list', group: '', version: 'v1', resource: 'pods', namespace: 'far', name: '' };
  const act = (name: string, change: object = {}, headers: Record<string, string> = {}) =>
    impersonate(jane, { 'impersonate-user': name, ...headers }, authorization.authorize, { ...asked, ...change });
  await assert.rejects(act('bob'), {
    message:
      'pods is forbidden: User "jane" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "far"',
  });
  const own = { apiGroups: ['authentication.k8s.io'] };
  reader.put(resources.clusterroles, {
    metadata: { name: 'pod-reader' },
    rules: [
      {
        verbs: ['impersonate-on:user-info:list', 'impersonate-on:arbitrary-node:list'],
        apiGroups: [''],
        resources: ['pods'],
      },
      { ...own, verbs: ['impersonate:user-info'], resources: ['users'], resourceNames: ['bob'] },
      { ...own, verbs: ['impersonate:user-info'], resources: ['groups'], resourceNames: ['ops'] },
      { ...own, verbs: ['impersonate:arbitrary-node'], resources: ['nodes'], resourceNames: ['n1'] },
    ],
  });
  reader.put(resources.clusterrolebindings, {
    metadata: { name: 'all' },
    roleRef: { kind: 'ClusterRole', name: 'pod-reader' },
    subjects: [{ kind: 'User', name: 'jane' }],
  });
  assert.deepEqual((await act('bob')).groups, ['system:authenticated']);
  assert.deepEqual((await act('bob', {}, { 'impersonate-group': 'ops' })).groups, ['ops', 'system:authenticated']);
  assert.deepEqual((await act('system:node:n1')).groups, ['system:nodes', 'system:authenticated']);
  await assert.rejects(act('bob', { verb: 'delete' }), /cannot impersonate-on:user-info:delete resource "pods"/);
  await assert.rejects(
    act('eve'),
    /users\.authentication\.k8s\.io "eve" is forbidden: User "jane" cannot impersonate:user-info/,
  );
  await assert.rejects(act('system:node:n2'), /nodes\.authentication\.k8s\.io "n2" is forbidden/);
  const masters = { 'impersonate-group': 'system:masters' };
  await assert.rejects(act('bob', {}, masters), /impersonating the system:masters group is not allowed/);
  await assert.rejects(act('bob', {}, { 'impersonate-extra-scopes': 'x' }), /impersonating an invalid key in extra/);
});

test('impersonation needs the right on everything that is taken on', async () => {
  const { reader, authorization } = open();
  const act = (headers: Record<string, string>) => impersonate(jane, headers, authorization.authorize);
  assert.equal(await act({}), jane);
  await assert.rejects(act({ 'impersonate-user': 'bob' }), {
    message:
      'users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
  });
  await assert.rejects(act({ 'impersonate-group': 'ops' }), /without impersonating a user/);
  const rule = (apiGroups: string, list: string, names: string[]) => ({
    verbs: ['impersonate'],
    apiGroups: [apiGroups],
    resources: [list],
    resourceNames: names,
  });
  reader.put(resources.clusterroles, {
    metadata: { name: 'pod-reader' },
    rules: [
      rule('', 'users', ['bob']),
      rule('', 'groups', ['ops']),
      rule('authentication.k8s.io', 'userextras/scopes', ['view']),
      rule('authentication.k8s.io', 'uids', ['42']),
    ],
  });
  const bob = await act({
    'impersonate-user': 'bob',
    'impersonate-group': 'ops',
    'impersonate-uid': '42',
    'impersonate-extra-scopes': 'view',
  });
  assert.deepEqual(bob, {
    name: 'bob',
    uid: '42',
    groups: ['ops', 'system:authenticated'],
    extra: { scopes: ['view'] },
  });
  await assert.rejects(act({ 'impersonate-user': 'bob', 'impersonate-group': 'ops, system:masters' }), {
    message:
      'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope',
  });
  await assert.rejects(act({ 'impersonate-user': 'bob', 'impersonate-extra-scopes': 'edit' }), {
    message:
      'userextras.authentication.k8s.io "edit" is forbidden: User "jane" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
  });
  await assert.rejects(act({ 'impersonate-user': 'system:serviceaccount:ci:robot' }), {
    message:
      'serviceaccounts "robot" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "ci"',
  });
});
