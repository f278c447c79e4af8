/** Messages that are scalars, lists or free JSON in the API's JSON form, by the last part of their name. */
export interface SpecialMessage {
  /** From the fields of the message to the JSON value; undefined leaves the field out. */
  toJson(fields: Record<string, unknown>): unknown;
  toFields(json: unknown): Record<string, unknown>;
}

const time: (digits: 3 | 9) => SpecialMessage = digits => ({
  toJson({ seconds = 0, nanos = 0 }) {
    if (seconds === 0 && nanos === 0) return undefined; // Go's zero time
    const text = new Date((seconds as number) * 1000).toISOString().slice(0, 19);
    return digits === 9 ? `${text}.${String(Math.floor((nanos as number) / 1000)).padStart(6, '0')}Z` : `${text}Z`;
  },
  toFields(json) {
    const ms = Date.parse(String(json));
    const seconds = Math.floor(ms / 1000);
    const fraction = /\.(\d+)/.exec(String(json))?.[1] ?? '';
    return { seconds, nanos: digits === 9 ? Number(fraction.padEnd(9, '0').slice(0, 9)) : 0 };
  },
});

const rawJson: SpecialMessage = {
  toJson({ raw, Raw }) {
    const text = Buffer.from(((raw ?? Raw) as string | undefined) ?? '', 'base64').toString();
    return text === '' ? undefined : JSON.parse(text);
  },
  toFields: json => ({ raw: Buffer.from(JSON.stringify(json)).toString('base64') }),
};

const items: SpecialMessage = { toJson: fields => fields['items'] ?? [], toFields: json => ({ items: json }) };

/** By full name. */
export const specialMessages: Readonly<Record<string, SpecialMessage>> = {
  'k8s.io.apimachinery.pkg.api.resource.Quantity': {
    toJson: fields => fields['string'] ?? '0',
    toFields: json => ({ string: String(json) }),
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.Time': time(3),
  'k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime': time(9),
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString': {
    toJson: fields => (fields['type'] === 1 ? (fields['strVal'] ?? '') : (fields['intVal'] ?? 0)),
    toFields: json => (typeof json === 'number' ? { type: 0, intVal: json } : { type: 1, strVal: String(json) }),
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1': {
    ...rawJson,
    toFields: json => ({ Raw: Buffer.from(JSON.stringify(json)).toString('base64') }),
  },
  'k8s.io.apimachinery.pkg.runtime.RawExtension': rawJson,
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON': rawJson,
  'k8s.io.api.authentication.v1.ExtraValue': items,
  'k8s.io.api.authorization.v1.ExtraValue': items,
  'k8s.io.api.certificates.v1.ExtraValue': items,
  'k8s.io.apimachinery.pkg.apis.meta.v1.Verbs': items,
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': {
    toJson: fields => fields['schema'] ?? fields['jSONSchemas'],
    toFields: json => (Array.isArray(json) ? { jSONSchemas: json } : { schema: json }),
  },
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': {
    toJson: fields => fields['schema'] ?? fields['allows'] ?? false,
    toFields: json => (typeof json === 'boolean' ? { allows: json } : { allows: true, schema: json }),
  },
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': {
    toJson: fields => fields['schema'] ?? fields['property'],
    toFields: json => (Array.isArray(json) ? { property: json } : { schema: json }),
  },
};

/**
 * Go clients send every field that is no pointer, also when it is zero; in JSON such a field is left out. A zero is kept only for fields that are pointers in
 * Go (where zero is a value of its own) or that JSON always carries. Protobuf does not tell which: these are the ones of API types, by name.
 */
export const zeroMatters: ReadonlySet<string> = new Set(
  `replicas terminationGracePeriodSeconds activeDeadlineSeconds runAsUser runAsGroup fsGroup runAsNonRoot privileged readOnlyRootFilesystem allowPrivilegeEscalation
  automountServiceAccountToken enableServiceLinks shareProcessNamespace hostUsers setHostnameAsFQDN optional immutable backoffLimit backoffLimitPerIndex maxFailedIndexes
  parallelism completions ttlSecondsAfterFinished suspend manualSelector successfulJobsHistoryLimit failedJobsHistoryLimit startingDeadlineSeconds revisionHistoryLimit
  progressDeadlineSeconds gracePeriodSeconds deletionGracePeriodSeconds orphanDependents ready serving terminating started controller blockOwnerDeletion defaultMode mode
  tolerationSeconds expirationSeconds priority value allocateLoadBalancerNodePorts partition stabilizationWindowSeconds averageUtilization restartCount attachRequired
  podInfoOnMount storageCapacity requiresRepublish fsGroupChangePolicy allowVolumeExpansion seLinuxMount nominalConcurrencyShares lendablePercent allowed
  disruptionsAllowed currentHealthy desiredHealthy expectedPods currentReplicas desiredReplicas currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady
  minReplicas leaseTransitions leaseDurationSeconds attached served storage sizeLimit port`.split(/\s+/),
);

/** Empty text is a value of its own here, and not "not said". */
export const emptyTextMatters: ReadonlySet<string> = new Set([
  'PersistentVolumeClaimSpec.storageClassName',
  'EndpointPort.name',
  'JSONPatch.expression',
]);
