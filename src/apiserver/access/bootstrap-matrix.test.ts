import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviours, createScheme, resources } from '#api';
import { createAuthorization } from './authorize.ts';
import { bootstrapClusterRoles } from './bootstrap-roles.ts';
import { createFakeReader } from './testing.ts';

const read = 'get list watch';
const write = 'create delete deletecollection patch update';
const all = `${read} ${write}`;
const reviews = { 'authentication.k8s.io': 'tokenreviews', 'authorization.k8s.io': 'subjectaccessreviews' };
const events = ['create patch update', { '': 'events', 'events.k8s.io': 'events' }] as const;

type Rule = readonly [verbs: string, resources: Readonly<Record<string, string>>];

const workloads = 'daemonsets deployments replicasets statefulsets';
const scaled = 'deployments/scale replicasets/scale statefulsets/scale';
const oldScaled = 'deployments/scale replicasets/scale replicationcontrollers/scale';
const oldWorkloads = 'daemonsets deployments ingresses networkpolicies replicasets';
const withStatus = (names: string) =>
  names
    .split(' ')
    .map(name => `${name} ${name}/status`)
    .join(' ');

const view: readonly Rule[] = [
  [
    read,
    {
      '': `configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status namespaces`,
      'discovery.k8s.io': 'endpointslices',
      apps: `controllerrevisions ${withStatus(workloads)} ${scaled}`,
      autoscaling: withStatus('horizontalpodautoscalers'),
      batch: withStatus('cronjobs jobs'),
      extensions: `${withStatus('daemonsets deployments ingresses replicasets')} networkpolicies ${oldScaled}`,
      policy: withStatus('poddisruptionbudgets'),
      'networking.k8s.io': `${withStatus('ingresses')} networkpolicies`,
      'resource.k8s.io': 'resourceclaims resourceclaims/status resourceclaimtemplates',
    },
  ],
];
const edit: readonly Rule[] = [
  ...view,
  [read, { '': 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy' }],
  ['impersonate', { '': 'serviceaccounts' }],
  ['create', { '': 'pods/eviction serviceaccounts/token' }],
  [
    write,
    {
      '': 'pods pods/attach pods/exec pods/portforward pods/proxy configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      apps: `${workloads} deployments/rollback ${scaled}`,
      autoscaling: 'horizontalpodautoscalers',
      batch: 'cronjobs jobs',
      extensions: `${oldWorkloads} deployments/rollback ${oldScaled}`,
      policy: 'poddisruptionbudgets',
      'networking.k8s.io': 'ingresses networkpolicies',
      'resource.k8s.io': 'resourceclaims resourceclaimtemplates',
    },
  ],
  [all, { 'coordination.k8s.io': 'leases' }],
];

/** What upstream documents for each role (bootstrappolicy/testdata, with what became stable since: dynamic resources, service CIDRs). Everything else is refused. */
const documented: Readonly<Record<string, readonly Rule[]>> = {
  view,
  edit,
  admin: [
    ...edit,
    ['create', { 'authorization.k8s.io': 'localsubjectaccessreviews' }],
    [all, { 'rbac.authorization.k8s.io': 'rolebindings roles' }],
  ],
  'system:auth-delegator': [['create', reviews]],
  'system:basic-user': [
    [
      'create',
      {
        'authorization.k8s.io': 'selfsubjectaccessreviews selfsubjectrulesreviews',
        'authentication.k8s.io': 'selfsubjectreviews',
      },
    ],
  ],
  'system:heapster': [[read, { '': 'events namespaces nodes pods', extensions: 'deployments' }]],
  'system:kube-aggregator': [[read, { '': 'endpoints services' }]],
  'system:kube-dns': [['list watch', { '': 'endpoints services' }]],
  'system:kube-controller-manager': [
    events,
    ['create', { ...reviews, '': 'secrets serviceaccounts serviceaccounts/token', 'coordination.k8s.io': 'leases' }],
    ['get update', { 'coordination.k8s.io': 'leases#kube-controller-manager', '': 'secrets serviceaccounts' }],
    ['delete', { '': 'secrets' }],
    ['get', { '': 'configmaps namespaces' }],
    ['list watch', { '*': '*' }],
  ],
  'system:kube-scheduler': [
    events,
    ['create', { ...reviews, '': 'bindings pods/binding', 'coordination.k8s.io': 'leases' }],
    ['get update', { 'coordination.k8s.io': 'leases#kube-scheduler' }],
    [`${read} delete`, { '': 'pods' }],
    ['patch update', { '': 'pods/status' }],
    [
      read,
      {
        '': 'nodes replicationcontrollers services persistentvolumeclaims persistentvolumes namespaces',
        apps: 'replicasets statefulsets',
        extensions: 'replicasets',
        policy: 'poddisruptionbudgets',
        'storage.k8s.io': 'csinodes csidrivers csistoragecapacities volumeattachments',
        'resource.k8s.io': 'deviceclasses resourceslices',
      },
    ],
    [`${read} patch update`, { 'resource.k8s.io': 'resourceclaims resourceclaims/status' }],
  ],
  'system:kubelet-api-admin': [
    [`${read} proxy`, { '': 'nodes' }],
    ['*', { '': 'nodes/log nodes/metrics nodes/proxy nodes/stats' }],
  ],
  'system:node-bootstrapper': [[`create ${read}`, { 'certificates.k8s.io': 'certificatesigningrequests' }]],
  'system:node-problem-detector': [events, ['get', { '': 'nodes' }], ['patch', { '': 'nodes/status' }]],
  'system:node-proxier': [
    events,
    [
      'list watch',
      { '': 'endpoints services', 'discovery.k8s.io': 'endpointslices', 'networking.k8s.io': 'servicecidrs' },
    ],
    [read, { '': 'nodes' }],
  ],
  'system:persistent-volume-provisioner': [
    events,
    [`create delete ${read}`, { '': 'persistentvolumes' }],
    [`${read} update`, { '': 'persistentvolumeclaims' }],
    [read, { 'storage.k8s.io': 'storageclasses' }],
    ['watch', { '': 'events' }],
  ],
  'system:volume-scheduler': [
    [`${read} patch update`, { '': 'persistentvolumes persistentvolumeclaims' }],
    [read, { 'storage.k8s.io': 'storageclasses' }],
  ],
  'system:discovery': [],
  'system:monitoring': [],
  'system:public-info-viewer': [],
  'system:service-account-issuer-discovery': [],
  'cluster-admin': [['*', { '*': '*' }]],
};

const verbs = [...all.split(' '), 'impersonate', 'bind', 'escalate', 'approve', 'sign', 'proxy', 'use'];

/** Every resource and subresource there is, one that nobody knows, and the old ones that roles still name. */
function everything(): (readonly [group: string, path: string])[] {
  const served = createScheme(behaviours)
    .kinds()
    .flatMap(kind => [
      [kind.group, kind.resource] as const,
      ...[...kind.subresources.keys()].map(name => [kind.group, `${kind.resource}/${name}`] as const),
    ]);
  const named = Object.values(documented).flatMap(rules =>
    rules.flatMap(([, groups]) =>
      Object.entries(groups).flatMap(([group, names]) =>
        names.split(' ').map(name => [group, name.replace(/#.*/, '')] as const),
      ),
    ),
  );
  const unknown = [['example.com', 'widgets'] as const, ['', 'users'] as const, ['', 'groups'] as const];
  return [...new Map([...served, ...named, ...unknown].map(pair => [pair.join(' '), pair])).values()].filter(
    ([group]) => group !== '*',
  );
}

function isDocumented(rules: readonly Rule[], asked: { verb: string; group: string; path: string; name: string }) {
  return rules.some(([held, groups]) => {
    if (held !== '*' && !held.split(' ').includes(asked.verb)) return false;
    const paths = [...(groups[asked.group]?.split(' ') ?? []), ...(groups['*']?.split(' ') ?? [])];
    return paths.some(path => {
      const [resource, name] = path.split('#');
      return (resource === '*' || resource === asked.path) && (name === undefined || name === asked.name);
    });
  });
}

for (const [role, rules] of Object.entries(documented)) {
  test(`${role} holds what upstream documents and nothing else`, () => {
    const reader = createFakeReader();
    reader.put(resources.clusterroles, ...bootstrapClusterRoles);
    reader.put(resources.clusterrolebindings, {
      metadata: { name: 'b' },
      roleRef: { kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'User', name: 'jane' }],
    });
    using authorization = createAuthorization(reader);
    const user = { name: 'jane', groups: [] };
    const wrong: string[] = [];
    for (const [group, path] of everything()) {
      const [resource, subresource] = path.split('/');
      for (const verb of verbs) {
        for (const name of ['x', 'kube-scheduler', 'kube-controller-manager']) {
          const asked = { user, verb, group, resource, subresource, namespace: 'team', name };
          const isHeld = authorization.authorize(asked).verdict === 'allow';
          if (isHeld === isDocumented(rules, { verb, group, path, name })) continue;
          wrong.push(`${isHeld ? 'too much' : 'missing'}: ${verb} ${path}.${group} ${name}`);
        }
      }
    }
    assert.deepEqual(wrong, []);
  });
}
