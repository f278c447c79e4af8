import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#api';
import {
  aggregateLabel,
  aggregateRole,
  clusterRole,
  clusterRoleBinding,
  eventsRule,
  read,
  readWrite,
  rule,
  toGroup,
  toServiceAccount,
  toUser,
  urlRule,
  write,
} from './bootstrap-rule.ts';
import { groups } from './identities.ts';

// Facts after upstream's plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go, release 1.36, default feature gates.

/** What a kubelet may do without regard to which objects are its own; also the role system:node. */
export const nodeRules: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
  rule(read, 'core', 'services'),
  rule('create get list watch', 'core', 'nodes'),
  rule('patch update', 'core', 'nodes/status'),
  rule('patch update', 'core', 'nodes'),
  rule('create patch update', 'core events.k8s.io', 'events'),
  rule(read, 'core', 'pods'),
  rule('create delete', 'core', 'pods'),
  rule('patch update', 'core', 'pods/status'),
  rule('create', 'core', 'pods/eviction'),
  rule(read, 'core', 'configmaps secrets'),
  rule('get', 'core', 'persistentvolumeclaims persistentvolumes'),
  rule('get', 'core', 'endpoints'),
  rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
  rule('create delete get patch update', 'coordination.k8s.io', 'leases'),
  rule('get', 'storage.k8s.io', 'volumeattachments'),
  rule('get patch update', 'core', 'persistentvolumeclaims/status'),
  rule('create', 'core', 'serviceaccounts/token'),
  rule(read, 'storage.k8s.io', 'csidrivers'),
  rule('create delete get patch update', 'storage.k8s.io', 'csinodes'),
  rule(read, 'node.k8s.io', 'runtimeclasses'),
  rule('get', 'resource.k8s.io', 'resourceclaims'),
  rule('create delete deletecollection get list patch update watch', 'resource.k8s.io', 'resourceslices'),
];

const scaled = 'replicationcontrollers/scale';
const workloads =
  'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale';
const oldWorkloads =
  'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale';

const aggregateToEdit: readonly PolicyRule[] = [
  rule(read, 'core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
  rule('impersonate', 'core', 'serviceaccounts'),
  rule(write, 'core', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  rule('create', 'core', 'pods/eviction'),
  rule(
    write,
    'core',
    `configmaps events persistentvolumeclaims replicationcontrollers ${scaled} secrets serviceaccounts services services/proxy`,
  ),
  rule('create', 'core', 'serviceaccounts/token'),
  rule(write, 'apps', workloads),
  rule(write, 'autoscaling', 'horizontalpodautoscalers'),
  rule(write, 'batch', 'cronjobs jobs'),
  rule(write, 'extensions', oldWorkloads),
  rule(write, 'policy', 'poddisruptionbudgets'),
  rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
  rule(readWrite, 'coordination.k8s.io', 'leases'),
  rule(write, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
];

const aggregateToView: readonly PolicyRule[] = [
  rule(
    read,
    'core',
    `configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers ${scaled} serviceaccounts services services/status`,
  ),
  rule(
    read,
    'core',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule(read, 'core', 'namespaces'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(
    read,
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  rule(
    read,
    'extensions',
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
  ),
  rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  rule(read, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
];

const controllerManager: readonly PolicyRule[] = [
  eventsRule,
  rule('create', 'coordination.k8s.io', 'leases'),
  rule('get update', 'coordination.k8s.io', 'leases', ['kube-controller-manager']),
  rule('create', 'core', 'secrets serviceaccounts'),
  rule('delete', 'core', 'secrets'),
  rule('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
  rule('update', 'core', 'secrets serviceaccounts'),
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  rule('list watch', '*', '*'),
  rule('create', 'core', 'serviceaccounts/token'),
];

const scheduler: readonly PolicyRule[] = [
  eventsRule,
  rule('create', 'coordination.k8s.io', 'leases'),
  rule('get update', 'coordination.k8s.io', 'leases', ['kube-scheduler']),
  rule(read, 'core', 'nodes'),
  rule('delete get list watch', 'core', 'pods'),
  rule('create', 'core', 'bindings pods/binding'),
  rule('patch update', 'core', 'pods/status'),
  rule(read, 'core', 'replicationcontrollers services'),
  rule(read, 'apps extensions', 'replicasets'),
  rule(read, 'apps', 'statefulsets'),
  rule(read, 'policy', 'poddisruptionbudgets'),
  rule(read, 'core', 'persistentvolumeclaims persistentvolumes'),
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  rule(read, 'storage.k8s.io', 'csinodes'),
  rule('get list watch', 'core', 'namespaces'),
  rule(read, 'storage.k8s.io', 'csidrivers'),
  rule(read, 'storage.k8s.io', 'csistoragecapacities'),
  rule(read, 'storage.k8s.io', 'volumeattachments'),
  rule(read, 'resource.k8s.io', 'deviceclasses'),
  rule('get list patch update watch', 'resource.k8s.io', 'resourceclaims'),
  rule('get list patch update watch', 'resource.k8s.io', 'resourceclaims/status'),
  rule('patch update', 'core', 'pods/finalizers'),
  rule(read, 'resource.k8s.io', 'resourceslices'),
];

const nodeProxier: readonly PolicyRule[] = [
  rule('list watch', 'core', 'endpoints services'),
  rule('get list watch', 'core', 'nodes'),
  eventsRule,
  rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  rule('list watch', 'networking.k8s.io', 'servicecidrs'),
];

const healthUrls = '/healthz /livez /readyz /version /version/';
const monitoringUrls = '/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz /flagz';

/** `system:certificates.k8s.io:<name>` lets its holder approve requests for one signer. */
const signerApprovers: readonly [name: string, signer: string][] = [
  ['legacy-unknown-approver', 'kubernetes.io/legacy-unknown'],
  ['kubelet-serving-approver', 'kubernetes.io/kubelet-serving'],
  ['kube-apiserver-client-approver', 'kubernetes.io/kube-apiserver-client'],
  ['kube-apiserver-client-kubelet-approver', 'kubernetes.io/kube-apiserver-client-kubelet'],
];

/** Cluster roles that are not those of controllers. */
export const bootstrapClusterRoles: readonly ClusterRole[] = [
  clusterRole('cluster-admin', [rule('*', '*', '*'), urlRule('*', '*')]),
  clusterRole('system:discovery', [urlRule('get', `${healthUrls} /openapi /openapi/* /api /api/* /apis /apis/*`)]),
  clusterRole('system:monitoring', [urlRule('get', monitoringUrls)]),
  clusterRole('system:basic-user', [
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ]),
  clusterRole('system:public-info-viewer', [urlRule('get', healthUrls)]),
  aggregateRole('admin'),
  aggregateRole('edit', 'admin'),
  aggregateRole('view', 'edit'),
  clusterRole(
    'system:aggregate-to-admin',
    [
      rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
      rule(readWrite, 'rbac.authorization.k8s.io', 'rolebindings roles'),
    ],
    { [aggregateLabel('admin')]: 'true' },
  ),
  clusterRole('system:aggregate-to-edit', aggregateToEdit, { [aggregateLabel('edit')]: 'true' }),
  clusterRole('system:aggregate-to-view', aggregateToView, { [aggregateLabel('view')]: 'true' }),
  clusterRole('system:heapster', [
    rule(read, 'core', 'events namespaces nodes pods'),
    rule(read, 'extensions', 'deployments'),
  ]),
  clusterRole('system:node', nodeRules),
  clusterRole('system:node-problem-detector', [
    rule('get', 'core', 'nodes'),
    rule('patch', 'core', 'nodes/status'),
    eventsRule,
  ]),
  clusterRole('system:kubelet-api-admin', [
    rule(read, 'core', 'nodes'),
    rule('proxy', 'core', 'nodes'),
    rule(
      '*',
      'core',
      'nodes/checkpoint nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats',
    ),
  ]),
  clusterRole('system:node-bootstrapper', [
    rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
  ]),
  clusterRole('system:auth-delegator', [
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  ]),
  clusterRole('system:kube-aggregator', [rule(read, 'core', 'endpoints services')]),
  clusterRole('system:kube-controller-manager', controllerManager),
  clusterRole('system:kube-dns', [rule('list watch', 'core', 'endpoints services')]),
  clusterRole('system:persistent-volume-provisioner', [
    rule('create delete get list watch', 'core', 'persistentvolumes'),
    rule('get list update watch', 'core', 'persistentvolumeclaims'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule('watch', 'core', 'events'),
    eventsRule,
  ]),
  clusterRole('system:service-account-issuer-discovery', [
    urlRule(
      'get',
      '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
    ),
  ]),
  clusterRole('system:kube-scheduler', scheduler),
  clusterRole('system:node-proxier', nodeProxier),
  clusterRole('system:volume-scheduler', [
    rule('get list patch update watch', 'core', 'persistentvolumes'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule('get list patch update watch', 'core', 'persistentvolumeclaims'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [
    rule('create', 'certificates.k8s.io', 'certificatesigningrequests/nodeclient'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [
    rule('create', 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient'),
  ]),
  ...signerApprovers.map(([name, signer]) =>
    clusterRole(`system:certificates.k8s.io:${name}`, [rule('approve', 'certificates.k8s.io', 'signers', [signer])]),
  ),
];

export const bootstrapClusterRoleBindings: readonly ClusterRoleBinding[] = [
  clusterRoleBinding('cluster-admin', [toGroup(groups.masters)]),
  clusterRoleBinding('system:monitoring', [toGroup('system:monitoring')]),
  clusterRoleBinding('system:discovery', [toGroup(groups.authenticated)]),
  clusterRoleBinding('system:basic-user', [toGroup(groups.authenticated)]),
  clusterRoleBinding('system:public-info-viewer', [toGroup(groups.authenticated), toGroup(groups.unauthenticated)]),
  clusterRoleBinding('system:node-proxier', [toUser('system:kube-proxy')]),
  clusterRoleBinding('system:kube-controller-manager', [toUser('system:kube-controller-manager')]),
  clusterRoleBinding('system:kube-dns', [toServiceAccount('kube-system', 'kube-dns')]),
  clusterRoleBinding('system:kube-scheduler', [toUser('system:kube-scheduler')]),
  clusterRoleBinding('system:volume-scheduler', [toUser('system:kube-scheduler')]),
  // Without subjects: the node authorizer gives kubelets these rights, narrowed to their own objects.
  clusterRoleBinding('system:node', []),
  clusterRoleBinding('system:service-account-issuer-discovery', [toGroup(groups.serviceAccounts)]),
];
