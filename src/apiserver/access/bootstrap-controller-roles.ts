import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#api';
import { clusterRole, clusterRoleBinding, eventsRule, read, rule, toServiceAccount } from './bootstrap-rule.ts';

// Facts after upstream's bootstrappolicy/controller_policy.go, release 1.36, default feature gates.

const both = 'apps extensions';
const claims = 'persistentvolumeclaims';
const volumes = 'persistentvolumes';
const signers = [
  'kubernetes.io/legacy-unknown',
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/kubelet-serving',
];

/** Rights of each controller by its name: role `system:controller:<name>`, bound to the service account kube-system/<name>. */
const rights: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [
    rule('list watch', 'core', `${claims} ${volumes}`),
    rule(read, 'core', 'nodes'),
    rule('patch update', 'core', 'nodes/status'),
    rule('list watch', 'core', 'pods'),
    eventsRule,
    rule('create delete get list watch', 'storage.k8s.io', 'volumeattachments'),
    rule(read, 'storage.k8s.io', 'csidrivers'),
    rule(read, 'storage.k8s.io', 'csinodes'),
  ],
  'clusterrole-aggregation-controller': [
    rule('escalate get list patch update watch', 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'cronjob-controller': [
    rule('get list update watch', 'batch', 'cronjobs'),
    rule('create delete get list patch update watch', 'batch', 'jobs'),
    rule('update', 'batch', 'cronjobs/status'),
    rule('update', 'batch', 'cronjobs/finalizers'),
    rule('delete list watch', 'core', 'pods'),
    eventsRule,
  ],
  'daemon-set-controller': [
    rule(read, both, 'daemonsets'),
    rule('update', both, 'daemonsets/status'),
    rule('update', both, 'daemonsets/finalizers'),
    rule('list watch', 'core', 'nodes'),
    rule('create delete list patch watch', 'core', 'pods'),
    rule('create', 'core', 'pods/binding'),
    rule('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    eventsRule,
  ],
  'deployment-controller': [
    rule('get list update watch', both, 'deployments'),
    rule('update', both, 'deployments/status'),
    rule('update', both, 'deployments/finalizers'),
    rule('create delete get list patch update watch', both, 'replicasets'),
    rule('get list update watch', 'core', 'pods'),
    eventsRule,
  ],
  'disruption-controller': [
    rule(read, both, 'deployments'),
    rule(read, both, 'replicasets'),
    rule(read, 'core', 'replicationcontrollers'),
    rule(read, 'policy', 'poddisruptionbudgets'),
    rule(read, 'apps', 'statefulsets'),
    rule('update', 'policy', 'poddisruptionbudgets/status'),
    rule('patch update', 'core', 'pods/status'),
    rule('get', '*', '*/scale'),
    eventsRule,
  ],
  'endpoint-controller': [
    rule(read, 'core', 'pods services'),
    rule('create delete get list update watch', 'core', 'endpoints'),
    rule('create', 'core', 'endpoints/restricted'),
    eventsRule,
  ],
  'endpointslice-controller': [
    rule(read, 'core', 'nodes pods services'),
    rule('update', 'core', 'services/finalizers'),
    rule('create delete get list update watch', 'discovery.k8s.io', 'endpointslices'),
    eventsRule,
  ],
  'endpointslicemirroring-controller': [
    rule(read, 'core', 'endpoints services'),
    rule('update', 'core', 'services/finalizers'),
    rule('update', 'core', 'endpoints/finalizers'),
    rule('create delete get list update watch', 'discovery.k8s.io', 'endpointslices'),
    eventsRule,
  ],
  'expand-controller': [
    rule('get list patch update watch', 'core', volumes),
    rule('patch update', 'core', `${claims}/status`),
    rule(read, 'core', claims),
    eventsRule,
    rule('get', 'core', 'services'),
  ],
  'ephemeral-volume-controller': [
    rule(read, 'core', 'pods'),
    rule('update', 'core', 'pods/finalizers'),
    rule('create get list watch', 'core', claims),
    eventsRule,
  ],
  'resource-claim-controller': [
    rule(read, 'core', 'pods'),
    rule('update', 'core', 'pods/finalizers'),
    rule('create delete get list watch', 'resource.k8s.io', 'resourceclaims'),
    rule('patch update', 'resource.k8s.io', 'resourceclaims resourceclaims/status'),
    rule('patch update', 'core', 'pods/status'),
    eventsRule,
  ],
  'generic-garbage-collector': [rule('delete get list patch update watch', '*', '*'), eventsRule],
  'horizontal-pod-autoscaler': [
    rule(read, 'autoscaling', 'horizontalpodautoscalers'),
    rule('update', 'autoscaling', 'horizontalpodautoscalers/status'),
    rule('get update', '*', '*/scale'),
    rule('list watch', 'core', 'pods'),
    rule('list watch', 'metrics.k8s.io', 'pods'),
    rule(read, 'custom.metrics.k8s.io', '*'),
    rule(read, 'external.metrics.k8s.io', '*'),
    eventsRule,
  ],
  'job-controller': [
    rule('get list patch update watch', 'batch', 'jobs'),
    rule('update', 'batch', 'jobs/status'),
    rule('update', 'batch', 'jobs/finalizers'),
    rule('create delete list patch watch', 'core', 'pods'),
    eventsRule,
  ],
  'namespace-controller': [
    rule('delete get list watch', 'core', 'namespaces'),
    rule('update', 'core', 'namespaces/finalize namespaces/status'),
    rule('delete deletecollection get list watch', '*', '*'),
  ],
  'node-controller': [
    rule('delete get list patch update watch', 'core', 'nodes'),
    rule('patch update', 'core', 'nodes/status'),
    rule('patch update', 'core', 'pods/status'),
    rule('delete get list watch', 'core', 'pods'),
    eventsRule,
  ],
  'persistent-volume-binder': [
    rule('create delete get list update watch', 'core', volumes),
    rule('update', 'core', `${volumes}/status`),
    rule('get list update watch', 'core', claims),
    rule('update', 'core', `${claims}/status`),
    rule('create delete get list watch', 'core', 'pods'),
    rule(read, 'storage.k8s.io', 'storageclasses'),
    rule('list watch', 'core', 'nodes'),
    eventsRule,
    rule('watch', 'core', 'events'),
    rule('get', 'core', 'services'),
  ],
  'pod-garbage-collector': [
    rule('delete list watch', 'core', 'pods'),
    rule(read, 'core', 'nodes'),
    rule('patch', 'core', 'pods/status'),
  ],
  'replicaset-controller': [
    rule('get list update watch', both, 'replicasets'),
    rule('update', both, 'replicasets/status'),
    rule('update', both, 'replicasets/finalizers'),
    rule('create delete list patch watch', 'core', 'pods'),
    eventsRule,
  ],
  'replication-controller': [
    rule('get list update watch', 'core', 'replicationcontrollers'),
    rule('update', 'core', 'replicationcontrollers/status'),
    rule('update', 'core', 'replicationcontrollers/finalizers'),
    rule('create delete list patch watch', 'core', 'pods'),
    eventsRule,
  ],
  'resourcequota-controller': [
    rule('list watch', '*', '*'),
    rule('update', 'core', 'resourcequotas/status'),
    eventsRule,
  ],
  'route-controller': [rule('list watch', 'core', 'nodes'), rule('patch', 'core', 'nodes/status'), eventsRule],
  'service-account-controller': [rule('create', 'core', 'serviceaccounts'), eventsRule],
  'service-controller': [
    rule(read, 'core', 'services'),
    rule('patch update', 'core', 'services/status'),
    rule('list watch', 'core', 'nodes'),
    eventsRule,
  ],
  'service-cidrs-controller': [
    rule('get list patch update watch', 'networking.k8s.io', 'servicecidrs'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/finalizers'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/status'),
    rule(read, 'networking.k8s.io', 'ipaddresses'),
    eventsRule,
  ],
  'statefulset-controller': [
    rule('list watch', 'core', 'pods'),
    rule(read, 'apps', 'statefulsets'),
    rule('update', 'apps', 'statefulsets/status'),
    rule('update', 'apps', 'statefulsets/finalizers'),
    rule('create delete get patch update', 'core', 'pods'),
    rule('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    rule('create get list watch', 'core', claims),
    rule('delete update', 'core', claims),
    rule('update', 'core', 'pods/finalizers'),
    eventsRule,
  ],
  'ttl-controller': [rule('list patch update watch', 'core', 'nodes'), eventsRule],
  'certificate-controller': [
    rule('delete get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
    rule('update', 'certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status'),
    rule('approve', 'certificates.k8s.io', 'signers', ['kubernetes.io/kube-apiserver-client-kubelet']),
    rule('sign', 'certificates.k8s.io', 'signers', signers),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    eventsRule,
  ],
  'pvc-protection-controller': [rule('get list update watch', 'core', claims), rule(read, 'core', 'pods'), eventsRule],
  'pv-protection-controller': [rule('get list update watch', 'core', volumes), eventsRule],
  'volumeattributesclass-protection-controller': [
    rule(read, 'core', claims),
    rule(read, 'core', volumes),
    rule('get list update watch', 'storage.k8s.io', 'volumeattributesclasses'),
    eventsRule,
  ],
  'ttl-after-finished-controller': [rule('delete get list watch', 'batch', 'jobs'), eventsRule],
  'root-ca-cert-publisher': [rule('create update', 'core', 'configmaps'), eventsRule],
  'validatingadmissionpolicy-status-controller': [
    rule(read, 'admissionregistration.k8s.io', 'validatingadmissionpolicies'),
    rule('get patch update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies/status'),
    eventsRule,
  ],
  'legacy-service-account-token-cleaner': [
    rule('get', 'core', 'configmaps', ['kube-apiserver-legacy-service-account-token-tracking']),
    rule('delete patch', 'core', 'secrets'),
  ],
  'selinux-warning-controller': [
    eventsRule,
    rule(read, 'core', volumes),
    rule(read, 'core', claims),
    rule(read, 'core', 'pods'),
    rule(read, 'storage.k8s.io', 'csidrivers'),
  ],
};

export const controllerClusterRoles: readonly ClusterRole[] = Object.entries(rights).map(([name, rules]) =>
  clusterRole(`system:controller:${name}`, rules),
);

export const controllerClusterRoleBindings: readonly ClusterRoleBinding[] = Object.keys(rights).map(name =>
  clusterRoleBinding(`system:controller:${name}`, [toServiceAccount('kube-system', name)]),
);
