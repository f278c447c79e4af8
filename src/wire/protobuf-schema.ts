import presence from './tables/presence.json' with { type: 'json' };
import wire from './tables/wire.json' with { type: 'json' };

export type Scalar = 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes';

/** One field of a message, with its name in JSON. */
export interface WireField {
  readonly name: string;
  readonly number: number;
  readonly shape: 'single' | 'list' | 'map';
  /** Of the value; for maps, whose keys are strings, of what is inside. */
  readonly type: Scalar | { readonly message: string };
  /** The message's fields stand in JSON beside this one's own, not below it. */
  readonly isInline: boolean;
  /** Go has no pointer here: a zero on the wire says nothing, and JSON leaves it out. */
  readonly dropsZero: boolean;
}

const messages = wire as unknown as Readonly<Record<string, Readonly<Record<string, readonly [number, string]>>>>;
/** Scalar fields that are pointers in Go (`optional`), and those that JSON always carries (`required`): a zero stays a zero in both. */
const marks = presence as Readonly<Record<string, { optional?: readonly string[]; required?: readonly string[] }>>;
const scalars: ReadonlySet<string> = new Set(['string', 'bool', 'int32', 'int64', 'double', 'bytes']);

/** Go embeds these: on the wire they are fields, in JSON they are not. */
const inline: ReadonlySet<string> = new Set([
  'rule',
  'ruleWithOperations',
  'localObjectReference',
  'ephemeralContainerCommon',
  'persistentVolumeSource',
  'handler',
  'volumeSource',
  'ingressRuleValue',
  'deviceConfiguration',
]);

/** Wire names that JSON writes otherwise; a first capital becomes small besides. */
const jsonNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  BoundObjectReference: { uID: 'uid' },
  IngressClassParametersReference: { aPIGroup: 'apiGroup' },
  JSONSchemaProps: {
    schema: '$schema',
    ref: '$ref',
    xKubernetesPreserveUnknownFields: 'x-kubernetes-preserve-unknown-fields',
    xKubernetesEmbeddedResource: 'x-kubernetes-embedded-resource',
    xKubernetesIntOrString: 'x-kubernetes-int-or-string',
    xKubernetesListMapKeys: 'x-kubernetes-list-map-keys',
    xKubernetesListType: 'x-kubernetes-list-type',
    xKubernetesMapType: 'x-kubernetes-map-type',
    xKubernetesValidations: 'x-kubernetes-validations',
  },
};

export function hasMessage(name: string): boolean {
  return Object.hasOwn(messages, name);
}

/** The fields of a message, by number. The name must be one of the table's. */
export function fieldsOfMessage(message: string): readonly WireField[] {
  const dot = message.lastIndexOf('.');
  const packageName = message.slice(0, dot);
  const renamed = jsonNames[message.slice(dot + 1)] ?? {};
  const { optional = [], required = [] } = marks[message] ?? {};
  return Object.entries(messages[message]!)
    .map(([wireName, [number, text]]): WireField => {
      const name = renamed[wireName] ?? wireName[0]!.toLowerCase() + wireName.slice(1);
      const map = /^map<string, (.*)>$/.exec(text);
      const shape = map ? 'map' : text.startsWith('[]') ? 'list' : 'single';
      const type = toType(map?.[1] ?? text.replace(/^\[\]/, ''), packageName);
      const isInline = inline.has(wireName) && typeof type === 'object';
      return { name, number, shape, type, isInline, dropsZero: !optional.includes(name) && !required.includes(name) };
    })
    .sort((a, b) => a.number - b.number);
}

function toType(text: string, packageName: string): WireField['type'] {
  if (scalars.has(text)) return text as Scalar;
  return { message: text.startsWith('.') ? text.slice(1) : `${packageName}.${text}` };
}

const metaPackage = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const packages: Readonly<Record<string, string>> = {
  '': 'k8s.io.api.core',
  'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions',
  'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
  'internal.apiserver.k8s.io': 'k8s.io.api.apiserverinternal',
  'metrics.k8s.io': 'k8s.io.metrics.pkg.apis.metrics',
};

/** The message of a kind; undefined when it has none (custom resources, tables). Kinds of the meta group are found under every built-in group. */
export function messageOfKind(apiVersion: string, kind: string): string | undefined {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  if (group.includes('.') && !group.endsWith('.k8s.io')) return undefined;
  const own = `${packages[group] ?? `k8s.io.api.${group.split('.', 1)[0]}`}.${apiVersion.slice(slash + 1)}.${kind}`;
  if (hasMessage(own)) return own;
  const meta = `${metaPackage}.${kind}`;
  return hasMessage(meta) ? meta : undefined;
}
