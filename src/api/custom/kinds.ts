import type { UnknownObject } from '../resource.ts';
import type { FieldNode, Kind, Subresource, TypeNode, Verb } from '../scheme.ts';
import { createTypeNodes } from '../type-nodes.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../types.ts';
import { createBehaviour } from './behaviour.ts';
import { createDefaulter } from './defaults.ts';
import { compileEmbeddedPrune } from './embedded.ts';
import { pruneUnknown } from './prune.ts';
import type { ScalePaths } from './scale.ts';
import { readSchema, type Schema } from './schema.ts';
import { addEnvelope, toTypeNode } from './type-node.ts';
import { createValidation, type Validation } from './validation.ts';

/** What a server wants to know of a custom kind beside what it knows of every kind. */
export interface CustomVersion {
  /** Name of the definition: `crontabs.stable.example.com`. */
  readonly definition: string;
  readonly served: boolean;
  readonly storage: boolean;
  /** For the Warning header of every request to this version; undefined when it is not deprecated. */
  readonly deprecationWarning: string | undefined;
  readonly schema: Schema;
  readonly scale: ScalePaths | undefined;
  /** The definition's own schema as JSON, for judging objects elsewhere; undefined when it has none. */
  schemaText(): string | undefined;
  /** Takes out what the schema does not have, in place; gives the paths: also for objects that were stored by older definitions. */
  prune(object: unknown): string[];
  /** Drops nulls that may not be and fills in defaults, in place: on writes and on reads. */
  applyDefaults(object: unknown): void;
}

/** A kind that a CustomResourceDefinition makes. */
export interface CustomKind extends Kind {
  readonly custom: CustomVersion;
}

export function isCustomKind(kind: Kind): kind is CustomKind {
  return 'custom' in kind;
}

const verbs: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
export const metadataTypeName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/**
 * The kinds of a definition: one for each version that is served or stored, in the definition's order (`custom` tells which). The definition must
 * be valid and have accepted names. Schemas are compiled when the first object is written, and types made when they are asked for. Throws SchemaError for a schema that cannot be read.
 */
export function createCustomKinds(definition: CustomResourceDefinition): CustomKind[] {
  const metadataType = createTypeNodes()(metadataTypeName)!;
  return definition.spec.versions
    .filter(version => version.served || version.storage)
    .map(version => createCustomKind({ definition, version, metadataType }));
}

interface Parts {
  readonly definition: CustomResourceDefinition;
  readonly version: CustomResourceDefinitionVersion;
  readonly metadataType: TypeNode;
}

function createCustomKind({ definition, version, metadataType }: Parts): CustomKind {
  const { group, names, scope } = definition.spec;
  const schema = schemaOf(version);
  const scale = scaleOf(version);
  const fillDefaults = lazy(() => createDefaulter(withoutEnvelope(schema)));
  const validation = lazy((): Validation => createValidation({ schema, metadataType, scale }));
  const type = lazy(() => rootType({ group, version: version.name, kind: names.kind }, schema, metadataType));
  const defaults = (object: unknown) => fillDefaults()(object);
  const schemaText = lazy(() => {
    const own = version.schema?.openAPIV3Schema;
    return own && JSON.stringify(own);
  });
  return {
    group,
    version: version.name,
    resource: names.plural,
    kind: names.kind,
    namespaced: scope === 'Namespaced',
    singular: names.singular || names.kind.toLowerCase(),
    listKind: names.listKind || `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs,
    subresources: subresourcesOf(definition, version),
    get type() {
      return type();
    },
    behaviour: createBehaviour({ names, version, defaults: (object: UnknownObject) => defaults(object), validation }),
    storagePrefix: `${group}/${names.plural}`,
    custom: {
      definition: `${names.plural}.${group}`,
      served: version.served,
      storage: version.storage,
      deprecationWarning: deprecationOf(definition, version),
      schema,
      scale,
      schemaText,
      prune: object => pruneUnknown(schema, object),
      applyDefaults: defaults,
    },
  };
}

/** A version without schema keeps everything (objects of definitions that are older than apiextensions/v1). */
function schemaOf(version: CustomResourceDefinitionVersion): Schema {
  const schema = version.schema?.openAPIV3Schema;
  return schema ? readSchema(schema) : { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Defaults and nulls of the envelope are not the schema's to say. */
function withoutEnvelope(schema: Schema): Schema {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...properties } = schema.properties ?? {};
  return { ...schema, properties };
}

function rootType(
  gvk: { group: string; version: string; kind: string },
  schema: Schema,
  metadataType: TypeNode,
): TypeNode {
  const node = toTypeNode({ ...schema, type: 'object' }, metadataType);
  const fields = new Map<string, FieldNode>(node.fields);
  addEnvelope(fields, metadataType);
  const embedded = lazy(() => compileEmbeddedPrune(schema, metadataType));
  return {
    ...node,
    kind: 'object',
    fields,
    name: `${gvk.group.split('.').reverse().join('.')}.${gvk.version}.${gvk.kind}`,
    prune: (object, onUnknown) => {
      for (const path of pruneUnknown(schema, object)) onUnknown(path);
      embedded()?.(object, onUnknown);
    },
  };
}

function scaleOf(version: CustomResourceDefinitionVersion): ScalePaths | undefined {
  const scale = version.subresources?.scale;
  if (!scale) return undefined;
  return {
    specReplicas: scale.specReplicasPath.replace(/^\./, ''),
    statusReplicas: scale.statusReplicasPath.replace(/^\./, ''),
    labelSelector: scale.labelSelectorPath ? scale.labelSelectorPath.replace(/^\./, '') : undefined,
  };
}

const subresourceVerbs: readonly Verb[] = ['get', 'patch', 'update'];

function subresourcesOf(
  { spec }: CustomResourceDefinition,
  { name: version, subresources }: CustomResourceDefinitionVersion,
): ReadonlyMap<string, Subresource> {
  const found = new Map<string, Subresource>();
  if (subresources?.status) {
    const kind = { group: spec.group, version, kind: spec.names.kind };
    found.set('status', { name: 'status', verbs: subresourceVerbs, kind, connect: false });
  }
  if (subresources?.scale) {
    const kind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    found.set('scale', { name: 'scale', verbs: subresourceVerbs, kind, connect: false });
  }
  return found;
}

function deprecationOf(
  { spec }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
): string | undefined {
  if (!version.deprecated) return undefined;
  return version.deprecationWarning ?? `${spec.group}/${version.name} ${spec.names.kind} is deprecated`;
}
