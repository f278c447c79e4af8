import type {
  FlowSchema,
  FlowSchemaSpec,
  FlowSubject,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
} from '#api';
import { mandatoryLevels, mandatorySchemas } from '#api';

/** On every object that is made at start; "true": its spec is brought up to date with each new version of the server. */
export const autoUpdateAnnotation = 'apf.kubernetes.io/autoupdate-spec';

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1';

/** Shares, percent that others may borrow while it is idle, and queues (number, hand, length). */
type Level = readonly [name: string, shares: number, lendable: number, queues: readonly [number, number, number]];

const limitedLevels: readonly Level[] = [
  ['system', 30, 33, [64, 6, 50]],
  ['node-high', 40, 25, [64, 6, 50]],
  ['leader-election', 10, 0, [16, 4, 50]],
  ['workload-high', 40, 50, [128, 6, 50]],
  ['workload-low', 100, 90, [128, 6, 50]],
  ['global-default', 20, 50, [128, 6, 50]],
];

function level(name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration {
  const metadata = { name, annotations: { [autoUpdateAnnotation]: 'true' } };
  return { apiVersion, kind: 'PriorityLevelConfiguration', metadata, spec };
}

function limited([name, nominalConcurrencyShares, lendablePercent, queues]: Level): PriorityLevelConfiguration {
  const [count, handSize, queueLengthLimit] = queues;
  const limitResponse = { type: 'Queue', queuing: { queues: count, handSize, queueLengthLimit } };
  return level(name, { type: 'Limited', limited: { nominalConcurrencyShares, lendablePercent, limitResponse } });
}

/** Upstream's priority levels; the mandatory ones first. */
export const bootstrapLevels: readonly PriorityLevelConfiguration[] = [
  ...Object.entries(mandatoryLevels).map(([name, spec]) => level(name, spec)),
  ...limitedLevels.map(limited),
];

const group = (...names: string[]): FlowSubject[] => names.map(name => ({ kind: 'Group', group: { name } }));
const user = (...names: string[]): FlowSubject[] => names.map(name => ({ kind: 'User', user: { name } }));
const account = (...names: string[]): FlowSubject[] =>
  names.map(name => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } }));

const everything: Omit<PolicyRulesWithSubjects, 'subjects'> = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

const everybody = group('system:unauthenticated', 'system:authenticated');
const locks: ResourcePolicyRule = {
  verbs: ['get', 'create', 'update'],
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ['*'],
};

/** What is asked for in a schema of the table below: everything when not said. */
type Schema = readonly [
  name: string,
  level: string,
  precedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | '',
  subjects: FlowSubject[],
  rules?: Omit<PolicyRulesWithSubjects, 'subjects'>,
];

const schemas: readonly Schema[] = [
  [
    'probes',
    'exempt',
    2,
    '',
    everybody,
    { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] },
  ],
  [
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    [...user('system:kube-controller-manager', 'system:kube-scheduler'), ...account('*')],
    { resourceRules: [locks] },
  ],
  [
    'endpoint-controller',
    'workload-high',
    150,
    'ByUser',
    [...user('system:kube-controller-manager'), ...account('endpoint-controller', 'endpointslicemirroring-controller')],
    {
      resourceRules: [
        { verbs: ['get', 'create', 'update'], apiGroups: [''], resources: ['endpoints'], namespaces: ['*'] },
      ],
    },
  ],
  ['workload-leader-election', 'leader-election', 200, 'ByUser', account('*'), { resourceRules: [locks] }],
  [
    'system-node-high',
    'node-high',
    400,
    'ByUser',
    group('system:nodes'),
    {
      resourceRules: [
        { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
        { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
      ],
    },
  ],
  ['system-nodes', 'system', 500, 'ByUser', group('system:nodes')],
  ['kube-controller-manager', 'workload-high', 800, 'ByNamespace', user('system:kube-controller-manager')],
  ['kube-scheduler', 'workload-high', 800, 'ByNamespace', user('system:kube-scheduler')],
  ['kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', account('*')],
  ['service-accounts', 'workload-low', 9000, 'ByUser', group('system:serviceaccounts')],
  ['global-default', 'global-default', 9900, 'ByUser', everybody],
];

function schema(name: string, spec: FlowSchemaSpec): FlowSchema {
  return { apiVersion, kind: 'FlowSchema', metadata: { name, annotations: { [autoUpdateAnnotation]: 'true' } }, spec };
}

/** Upstream's flow schemas; the mandatory ones first. */
export const bootstrapSchemas: readonly FlowSchema[] = [
  ...Object.entries(mandatorySchemas).map(([name, spec]) => schema(name, spec)),
  ...schemas.map(([name, priorityLevel, matchingPrecedence, type, subjects, rules = everything]) =>
    schema(name, {
      priorityLevelConfiguration: { name: priorityLevel },
      matchingPrecedence,
      ...(type ? { distinguisherMethod: { type } } : {}),
      rules: [{ subjects, ...rules }],
    }),
  ),
];

/** Names that are always as they are here, whatever their annotation says. */
export const mandatoryNames: readonly string[] = Object.keys(mandatorySchemas);
