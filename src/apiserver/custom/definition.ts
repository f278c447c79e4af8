import type { CustomKind, CustomResourceDefinition, Kind } from '#api';
import { apiVersionOf, createCustomKinds } from '#api';

/** How objects get from one version into another, as the definition says it. */
export type Conversion = NonNullable<CustomResourceDefinition['spec']['conversion']>;

/** A definition whose resource is served: what its kinds share. */
export interface Definition {
  /** `crontabs.stable.example.com`. */
  readonly name: string;
  /** Changes with everything that changes how objects are served. */
  readonly fingerprint: string;
  readonly group: string;
  /** Where objects are kept. */
  readonly storagePrefix: string;
  /** In all versions, those included that are not served any more: objects may still be stored in them. By apiVersion. */
  readonly kinds: ReadonlyMap<string, CustomKind>;
  /** Those that clients see. */
  readonly served: readonly CustomKind[];
  /** In which new writes are stored. */
  readonly storage: CustomKind;
  readonly conversion: Conversion;
  /** Being deleted: nothing new may be made. */
  isTerminating: boolean;
  /** Aborts when objects are served by other rules, or not at all: watches end. */
  readonly ended: AbortController;
}

/** True when the condition is there and true. */
export function hasCondition(crd: CustomResourceDefinition, type: string): boolean {
  return crd.status?.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false;
}

/** True from its deletion on: nothing new may be made, or it would be left behind. */
export function isTerminating(crd: CustomResourceDefinition): boolean {
  return Boolean(crd.metadata.deletionTimestamp) || hasCondition(crd, 'Terminating');
}

/** Equal for two states of a definition that serve objects alike: the generation counts changes of the spec. */
export function fingerprintOf(crd: CustomResourceDefinition): string {
  return `${crd.metadata.uid} ${crd.metadata.generation} ${JSON.stringify(crd.status?.acceptedNames)}`;
}

/** What an established definition serves, under the names that were accepted. Throws SchemaError for a schema that cannot be read. */
export function createDefinition(crd: CustomResourceDefinition): Definition {
  const { spec } = crd;
  const names = crd.status?.acceptedNames ?? spec.names;
  const all = spec.versions.map(version => ({ ...version, served: true }));
  const kinds = createCustomKinds({ ...crd, spec: { ...spec, names, versions: all } });
  const served = new Set(spec.versions.filter(version => version.served).map(version => version.name));
  const storage = kinds.find(kind => kind.custom.storage);
  if (!storage) throw new Error(`${crd.metadata.name} has no storage version`);
  return {
    name: crd.metadata.name!,
    fingerprint: fingerprintOf(crd),
    group: spec.group,
    storagePrefix: storage.storagePrefix,
    kinds: new Map(kinds.map(kind => [apiVersionOf(kind), kind])),
    served: kinds.filter(kind => served.has(kind.version)),
    storage,
    conversion: spec.conversion ?? { strategy: 'None' },
    isTerminating: isTerminating(crd),
    ended: new AbortController(),
  };
}

const verbsWhileTerminating: ReadonlySet<string> = new Set(['delete', 'deletecollection', 'get', 'list', 'watch']);

/** As discovery shows them: while a definition goes away, its objects can only be read and deleted. */
export function shownKinds({ served, isTerminating }: Definition): readonly Kind[] {
  if (!isTerminating) return served;
  return served.map(kind => {
    const verbs = kind.verbs.filter(verb => verbsWhileTerminating.has(verb));
    // Spreading would make its type, which nobody may ask for.
    const members = { ...Object.getOwnPropertyDescriptors(kind), verbs: { value: verbs, enumerable: true } };
    return Object.defineProperties({}, members) as CustomKind;
  });
}
