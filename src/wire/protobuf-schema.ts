import wireTable from './tables/wire.json' with { type: 'json' };

/** How one field of a message goes over the wire. */
export interface WireField {
  readonly number: number;
  /** Name in JSON. */
  readonly name: string;
  readonly kind: 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes' | 'message';
  /** Full name, for messages. */
  readonly message: string;
  readonly isRepeated: boolean;
  /** map<string, kind>. */
  readonly isMap: boolean;
  /** Go embeds the struct: its fields stand in JSON beside the others. */
  readonly isInline: boolean;
}

export interface WireMessage {
  readonly name: string;
  readonly byNumber: ReadonlyMap<number, WireField>;
  readonly byName: ReadonlyMap<string, WireField>;
  readonly inline: readonly WireField[];
}

/** Structs that Go embeds, by message and field. */
const inlined = new Set([
  ...[
    'NamedRuleWithOperations.ruleWithOperations',
    'RuleWithOperations.rule',
    'EphemeralContainer.ephemeralContainerCommon',
  ],
  ...[
    'ConfigMapEnvSource',
    'ConfigMapKeySelector',
    'ConfigMapProjection',
    'ConfigMapVolumeSource',
    'SecretEnvSource',
    'SecretKeySelector',
    'SecretProjection',
  ].map(name => `${name}.localObjectReference`),
  ...[
    'PersistentVolumeSpec.persistentVolumeSource',
    'Probe.handler',
    'Volume.volumeSource',
    'IngressRule.ingressRuleValue',
  ],
  ...['DeviceAllocationConfiguration', 'DeviceClaimConfiguration', 'DeviceClassConfiguration'].map(
    name => `${name}.deviceConfiguration`,
  ),
]);

/** Fields whose JSON name is not the one of the protobuf definition. */
const renamed: Readonly<Record<string, string>> = {
  'MutatingWebhookConfiguration.Webhooks': 'webhooks',
  'ValidatingWebhookConfiguration.Webhooks': 'webhooks',
  'Validation.Expression': 'expression',
  'Variable.Name': 'name',
  'Variable.Expression': 'expression',
  'BoundObjectReference.uID': 'uid',
  'IngressClassParametersReference.aPIGroup': 'apiGroup',
  'JSONSchemaProps.schema': '$schema',
  'JSONSchemaProps.ref': '$ref',
  'JSONSchemaProps.xKubernetesPreserveUnknownFields': 'x-kubernetes-preserve-unknown-fields',
  'JSONSchemaProps.xKubernetesEmbeddedResource': 'x-kubernetes-embedded-resource',
  'JSONSchemaProps.xKubernetesIntOrString': 'x-kubernetes-int-or-string',
  'JSONSchemaProps.xKubernetesListMapKeys': 'x-kubernetes-list-map-keys',
  'JSONSchemaProps.xKubernetesListType': 'x-kubernetes-list-type',
  'JSONSchemaProps.xKubernetesMapType': 'x-kubernetes-map-type',
  'JSONSchemaProps.xKubernetesValidations': 'x-kubernetes-validations',
};

const scalars = new Set(['string', 'bool', 'int32', 'int64', 'double', 'bytes']);
const table = wireTable as unknown as Readonly<Record<string, Readonly<Record<string, readonly [number, string]>>>>;

/** Gives a message of the table; made when first asked for. Undefined for an unknown name. */
export type WireSchema = (name: string) => WireMessage | undefined;

export function createWireSchema(): WireSchema {
  const made = new Map<string, WireMessage>();
  return name => {
    const known = made.get(name);
    if (known || !Object.hasOwn(table, name)) return known;
    const fields = Object.entries(table[name]!).map(([field, [number, type]]) =>
      createField(name, field, { number, type }),
    );
    const message = {
      name,
      byNumber: new Map(fields.map(field => [field.number, field])),
      byName: new Map(fields.filter(field => !field.isInline).map(field => [field.name, field])),
      inline: fields.filter(field => field.isInline),
    };
    made.set(name, message);
    return message;
  };
}

function createField(message: string, field: string, { number, type }: { number: number; type: string }): WireField {
  const dot = message.lastIndexOf('.');
  const key = `${message.slice(dot + 1)}.${field}`;
  const isRepeated = type.startsWith('[]');
  const map = /^map<string, (.+)>$/.exec(type);
  const inner = map ? map[1]! : isRepeated ? type.slice(2) : type;
  const isScalar = scalars.has(inner);
  return {
    number,
    name: renamed[key] ?? field,
    kind: isScalar ? (inner as WireField['kind']) : 'message',
    message: isScalar ? '' : inner.startsWith('.') ? inner.slice(1) : `${message.slice(0, dot)}.${inner}`,
    isRepeated,
    isMap: map !== null,
    isInline: inlined.has(key),
  };
}

const packages: Readonly<Record<string, string>> = {
  '': 'k8s.io.api.core',
  'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions',
  'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
  'internal.apiserver.k8s.io': 'k8s.io.api.apiserverinternal',
};
export const metaPackage = 'k8s.io.apimachinery.pkg.apis.meta.v1';

/** The message of a kind; undefined when protobuf has none (custom resources, tables). */
export function messageOfKind(schema: WireSchema, apiVersion: string, kind: string): WireMessage | undefined {
  const slash = apiVersion.indexOf('/');
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  const name = `${packages[group] ?? `k8s.io.api.${group.split('.')[0]}`}.${version}.${kind}`;
  return schema(name) ?? schema(`${metaPackage}.${kind}`);
}
