/** What `kubectl get` and `kubectl get -o wide` print above the objects, as upstream's pkg/printers/internalversion/printers.go defines it. */

const ofPods = 'CONTAINERS|IMAGES';
const ofSelected = `${ofPods}|SELECTOR`;
const subjects = 'USERS|GROUPS|SERVICEACCOUNTS';

/** By resource and group: the columns of `get`, then those that -o wide appends. */
const columns: Record<string, readonly [plain: string, wide?: string]> = {
  configmaps: ['NAME|DATA|AGE'],
  endpoints: ['NAME|ENDPOINTS|AGE'],
  limitranges: ['NAME|CREATED AT'],
  namespaces: ['NAME|STATUS|AGE'],
  nodes: ['NAME|STATUS|ROLES|AGE|VERSION', 'INTERNAL-IP|EXTERNAL-IP|OS-IMAGE|KERNEL-VERSION|CONTAINER-RUNTIME'],
  persistentvolumeclaims: [
    'NAME|STATUS|VOLUME|CAPACITY|ACCESS MODES|STORAGECLASS|VOLUMEATTRIBUTESCLASS|AGE',
    'VOLUMEMODE',
  ],
  persistentvolumes: [
    'NAME|CAPACITY|ACCESS MODES|RECLAIM POLICY|STATUS|CLAIM|STORAGECLASS|VOLUMEATTRIBUTESCLASS|REASON|AGE',
    'VOLUMEMODE',
  ],
  pods: ['NAME|READY|STATUS|RESTARTS|AGE', 'IP|NODE|NOMINATED NODE|READINESS GATES'],
  podtemplates: ['NAME|CONTAINERS|IMAGES|POD LABELS'],
  replicationcontrollers: ['NAME|DESIRED|CURRENT|READY|AGE', ofSelected],
  resourcequotas: ['NAME|REQUEST|LIMIT|AGE'],
  secrets: ['NAME|TYPE|DATA|AGE'],
  services: ['NAME|TYPE|CLUSTER-IP|EXTERNAL-IP|PORT(S)|AGE', 'SELECTOR'],
  serviceaccounts: ['NAME|AGE'],
  'controllerrevisions.apps': ['NAME|CONTROLLER|REVISION|AGE'],
  'daemonsets.apps': ['NAME|DESIRED|CURRENT|READY|UP-TO-DATE|AVAILABLE|NODE SELECTOR|AGE', ofSelected],
  'deployments.apps': ['NAME|READY|UP-TO-DATE|AVAILABLE|AGE', ofSelected],
  'replicasets.apps': ['NAME|DESIRED|CURRENT|READY|AGE', ofSelected],
  'statefulsets.apps': ['NAME|READY|AGE', ofPods],
  'cronjobs.batch': ['NAME|SCHEDULE|TIMEZONE|SUSPEND|ACTIVE|LAST SCHEDULE|AGE', ofSelected],
  'jobs.batch': ['NAME|STATUS|COMPLETIONS|DURATION|AGE', ofSelected],
  'horizontalpodautoscalers.autoscaling': ['NAME|REFERENCE|TARGETS|MINPODS|MAXPODS|REPLICAS|AGE'],
  'poddisruptionbudgets.policy': ['NAME|MIN AVAILABLE|MAX UNAVAILABLE|ALLOWED DISRUPTIONS|AGE'],
  'priorityclasses.scheduling.k8s.io': ['NAME|VALUE|GLOBAL-DEFAULT|AGE|PREEMPTIONPOLICY'],
  'clusterroles.rbac.authorization.k8s.io': ['NAME|CREATED AT'],
  'clusterrolebindings.rbac.authorization.k8s.io': ['NAME|ROLE|AGE', subjects],
  'roles.rbac.authorization.k8s.io': ['NAME|CREATED AT'],
  'rolebindings.rbac.authorization.k8s.io': ['NAME|ROLE|AGE', subjects],
  'certificatesigningrequests.certificates.k8s.io': ['NAME|AGE|SIGNERNAME|REQUESTOR|REQUESTEDDURATION|CONDITION'],
  'mutatingadmissionpolicies.admissionregistration.k8s.io': ['NAME|MUTATIONS|PARAMKIND|AGE'],
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': ['NAME|POLICYNAME|PARAMREF|AGE'],
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': ['NAME|WEBHOOKS|AGE'],
  'validatingadmissionpolicies.admissionregistration.k8s.io': ['NAME|VALIDATIONS|PARAMKIND|AGE'],
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': ['NAME|POLICYNAME|PARAMREF|AGE'],
  'validatingwebhookconfigurations.admissionregistration.k8s.io': ['NAME|WEBHOOKS|AGE'],
  'flowschemas.flowcontrol.apiserver.k8s.io': [
    'NAME|PRIORITYLEVEL|MATCHINGPRECEDENCE|DISTINGUISHERMETHOD|AGE|MISSINGPL',
  ],
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': [
    'NAME|TYPE|NOMINALCONCURRENCYSHARES|QUEUES|HANDSIZE|QUEUELENGTHLIMIT|AGE',
  ],
  'customresourcedefinitions.apiextensions.k8s.io': ['NAME|CREATED AT'],
  'apiservices.apiregistration.k8s.io': ['NAME|SERVICE|AVAILABLE|AGE'],
  'leases.coordination.k8s.io': ['NAME|HOLDER|AGE'],
  'endpointslices.discovery.k8s.io': ['NAME|ADDRESSTYPE|PORTS|ENDPOINTS|AGE'],
  'ingresses.networking.k8s.io': ['NAME|CLASS|HOSTS|ADDRESS|PORTS|AGE'],
  'ingressclasses.networking.k8s.io': ['NAME|CONTROLLER|PARAMETERS|AGE'],
  'ipaddresses.networking.k8s.io': ['NAME|PARENTREF'],
  'networkpolicies.networking.k8s.io': ['NAME|POD-SELECTOR|AGE'],
  'servicecidrs.networking.k8s.io': ['NAME|CIDRS|AGE'],
  'runtimeclasses.node.k8s.io': ['NAME|HANDLER|AGE'],
  'csidrivers.storage.k8s.io': [
    'NAME|ATTACHREQUIRED|PODINFOONMOUNT|STORAGECAPACITY|TOKENREQUESTS|REQUIRESREPUBLISH|MODES|AGE',
  ],
  'csinodes.storage.k8s.io': ['NAME|DRIVERS|AGE'],
  'csistoragecapacities.storage.k8s.io': ['NAME|STORAGECLASSNAME|CAPACITY'],
  'storageclasses.storage.k8s.io': ['NAME|PROVISIONER|RECLAIMPOLICY|VOLUMEBINDINGMODE|ALLOWVOLUMEEXPANSION|AGE'],
  'volumeattachments.storage.k8s.io': ['NAME|ATTACHER|PV|NODE|ATTACHED|AGE'],
  'volumeattributesclasses.storage.k8s.io': ['NAME|DRIVERNAME|AGE'],
  'deviceclasses.resource.k8s.io': ['NAME|AGE'],
  'resourceclaims.resource.k8s.io': ['NAME|STATE|AGE'],
  'resourceclaimtemplates.resource.k8s.io': ['NAME|AGE'],
  'resourceslices.resource.k8s.io': ['NAME|NODE|DRIVER|POOL|AGE'],
};

// Events mix the columns of -o wide with the others.
const ofEvents = {
  plain: ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
  wide: 'LAST SEEN|TYPE|REASON|OBJECT|SUBOBJECT|SOURCE|MESSAGE|FIRST SEEN|COUNT|NAME'.split('|'),
};

export function columnsOf(resource: string): { plain: string[]; wide: string[] } {
  if (resource.split('.')[0] === 'events') return ofEvents;
  const [plain, wide] = columns[resource] ?? [];
  if (!plain) throw new Error(`${resource} has no columns in columns.ts`);
  const shown = plain.split('|');
  return { plain: shown, wide: wide ? [...shown, ...wide.split('|')] : shown };
}

/** The columns that kubectl printed: at least two spaces stand between them, at most one inside a name. */
export function headerOf(printed: string): string[] {
  return printed.slice(0, printed.indexOf('\n')).trimEnd().split(/ {2,}/);
}
