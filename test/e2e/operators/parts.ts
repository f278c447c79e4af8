/** The objects around the definitions in an operator's manifest. */
import type { Manifest } from '../manifests.ts';
import type { Schema } from './schema.ts';

export interface Version {
  name: string;
  schema: Schema;
  /** Absent: the version that is stored. */
  stored?: false;
  served?: false;
  deprecationWarning?: string;
  columns?: readonly Schema[];
  scale?: Schema;
  selectable?: readonly string[];
}

/** A definition; every version has a status. */
export function definition(options: {
  group: string;
  kind: string;
  plural: string;
  scope?: 'Cluster' | 'Namespaced';
  short?: readonly string[];
  categories?: readonly string[];
  labels?: Record<string, string>;
  conversion?: Schema;
  versions: readonly Version[];
}): Manifest {
  const { group, kind, plural, scope = 'Namespaced', short, categories, labels, conversion, versions } = options;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, ...(labels ? { labels } : {}) } as Manifest['metadata'],
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: short, categories },
      scope,
      conversion,
      versions: versions.map(version => ({
        name: version.name,
        served: version.served ?? true,
        storage: version.stored ?? true,
        deprecated: version.deprecationWarning ? true : undefined,
        deprecationWarning: version.deprecationWarning,
        additionalPrinterColumns: version.columns,
        selectableFields: version.selectable?.map(jsonPath => ({ jsonPath })),
        subresources: { status: {}, scale: version.scale },
        schema: { openAPIV3Schema: version.schema },
      })),
    },
  };
}

export const age = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
export const ready = { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' };

export function namespace(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': name } } as never,
  };
}

/** Selected and made alike by everything of one component. */
const labelsOf = (name: string) => ({ 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': 'controller' });

const metadata = (space: string | undefined, name: string, more: object = {}) =>
  ({ name, ...(space ? { namespace: space } : {}), labels: labelsOf(name), ...more }) as Manifest['metadata'];

export function serviceAccount(space: string, name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    automountServiceAccountToken: false,
    metadata: metadata(space, name),
  };
}

export function clusterRole(name: string, rules: readonly Schema[], labels: Record<string, string> = {}): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name, ...(Object.keys(labels).length ? { labels } : {}) } as never,
    rules,
  };
}

/** A role made of all that carry the label; its rules are the controller's to write. */
export function aggregatedRole(name: string, label: string): Manifest {
  const clusterRoleSelectors = [{ matchLabels: { [label]: 'true' } }];
  return {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name } },
    aggregationRule: { clusterRoleSelectors },
  };
}

export function clusterRoleBinding(space: string, name: string): Manifest {
  return {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: metadata(undefined, name) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: space }],
  };
}

/** A role for the leases of leader election and its binding. */
export function leaderElection(space: string, name: string): Manifest[] {
  const rules = [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update', 'patch'] },
  ];
  const role = { ...metadata(space, name), name: `${name}:leader-election` };
  return [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: role, rules },
    {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: space }],
    },
  ];
}

export function configMap(space: string, name: string, content: Record<string, string>): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(space, name), data: content };
}

export function service(space: string, name: string): Manifest {
  const ports = [
    { name: 'https', port: 443, protocol: 'TCP', targetPort: 'https' },
    { name: 'metrics', port: 9402, protocol: 'TCP', targetPort: 9402 },
  ];
  const spec = { type: 'ClusterIP', ports, selector: labelsOf(name) };
  return { apiVersion: 'v1', kind: 'Service', metadata: metadata(space, name), spec };
}

/** As operators are deployed: hardened, probed, told its name through the environment. Nothing here is written in another form than it is kept. */
export function deployment(space: string, name: string, args: readonly string[] = []): Manifest {
  const probe = (path: string) => ({
    httpGet: { path, port: 'http-healthz', scheme: 'HTTP' },
    initialDelaySeconds: 10,
    periodSeconds: 10,
  });
  const container = {
    ...{ name: 'controller', image: `registry.example/${name}:v1.2.3`, imagePullPolicy: 'IfNotPresent' },
    args: ['--leader-elect=true', '--v=2', ...args],
    env: [
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } } },
      {
        name: 'LIMIT',
        valueFrom: { resourceFieldRef: { resource: 'limits.cpu', containerName: 'controller', divisor: '1' } },
      },
      { name: 'CONFIG_NAME', value: `${name}-config` },
    ],
    ports: [
      { containerPort: 8443, name: 'https', protocol: 'TCP' },
      { containerPort: 9403, name: 'http-healthz', protocol: 'TCP' },
      { containerPort: 9403, name: 'healthz-udp', protocol: 'UDP' },
    ],
    resources: { limits: { cpu: '1', memory: '2Gi' }, requests: { cpu: '100m', memory: '128Mi' } },
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true },
      capabilities: { drop: ['ALL'] },
    },
    ...{ livenessProbe: probe('/livez'), readinessProbe: probe('/readyz') },
    volumeMounts: [{ name: 'cert', mountPath: '/tmp/cert', readOnly: true }],
  };
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata(space, name) },
    spec: {
      replicas: 0, // there is no node to run it, and nothing must change between two applies
      selector: { matchLabels: labelsOf(name) },
      template: {
        metadata: { labels: labelsOf(name), annotations: { 'prometheus.io/scrape': 'true' } },
        spec: {
          ...{ serviceAccountName: name, enableServiceLinks: false, terminationGracePeriodSeconds: 10 },
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
          containers: [container],
          volumes: [{ name: 'cert', secret: { defaultMode: 420, secretName: `${name}-cert`, optional: true } }],
        },
      },
    },
  };
}

/** A webhook of a service that does not run. `extra` is of the one webhook. */
export function webhook(space: string, name: string, rule: Schema, extra: Schema = {}): Manifest {
  const type = name.startsWith('default') ? 'Mutating' : 'Validating';
  return {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: `${type}WebhookConfiguration` },
    metadata: { name: `${name}.${space}` },
    webhooks: [
      {
        ...{ name: `${name}.${space}.example.com`, admissionReviewVersions: ['v1'], sideEffects: 'None' },
        ...{ failurePolicy: 'Fail', matchPolicy: 'Equivalent', timeoutSeconds: 5 },
        clientConfig: { service: { name: 'webhook', namespace: space, path: '/check', port: 443 } },
        rules: [{ operations: ['CREATE', 'UPDATE'], scope: '*', ...rule }],
        ...extra,
      },
    ],
  };
}

export function priorityClass(name: string): Manifest {
  return {
    ...{ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name } },
    ...{ value: 1_000_000, preemptionPolicy: 'PreemptLowerPriority', description: `Of ${name}.` },
  };
}

export function apiService(group: string, space: string): Manifest {
  return {
    ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `v1beta1.${group}` } },
    spec: {
      ...{ group, version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true },
      service: { name: 'webhook', namespace: space, port: 443 },
    },
  };
}
