/** Custom resource definitions that conformance tests make. */
import type { Json } from './api.ts';
import type { World } from './suite.ts';
import { eventually } from './suite.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export interface Definition {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  /** Of the definition itself. */
  readonly path: string;
  /** The collection in the test's namespace. */
  collection(version?: string): string;
  object(name: string, fields?: Json, version?: string): Json;
}

export interface DefinitionOptions {
  /** By name of the version; the first is stored. `null`: not served. */
  readonly versions?: Readonly<Record<string, Json>>;
  readonly group?: string;
  readonly more?: Json;
  readonly version?: Json;
  readonly labels?: Record<string, string>;
  readonly scope?: 'Cluster' | 'Namespaced';
}

export const anything: Json = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** The body of a definition that no other test has. */
export function definitionOf(
  world: World,
  name: string,
  options: DefinitionOptions = {},
): { body: Json; definition: Definition } {
  const suffix = world.namespace.replace(/\W/g, '');
  const {
    versions = { v1: anything },
    group = `${suffix}.example.com`,
    more = {},
    labels,
    scope = 'Namespaced',
  } = options;
  const [plural, kind] = [`${name}s`, `${name[0]!.toUpperCase()}${name.slice(1)}`];
  const body = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels },
    spec: {
      ...{ group, scope, names: { plural, singular: name, kind, listKind: `${kind}List` } },
      versions: Object.entries(versions).map(([version, openAPIV3Schema], index) => ({
        ...{ name: version, served: true, storage: index === 0, schema: { openAPIV3Schema } },
        ...options.version,
      })),
      ...more,
    },
  };
  const first = Object.keys(versions)[0]!;
  const definition: Definition = {
    ...{ group, plural, kind, path: `${definitions}/${plural}.${group}` },
    collection: (version = first) =>
      `/apis/${group}/${version}/${scope === 'Cluster' ? '' : `namespaces/${world.namespace}/`}${plural}`,
    object: (objectName, fields = {}, version = first) => ({
      ...{ apiVersion: `${group}/${version}`, kind, metadata: { name: objectName } },
      ...fields,
    }),
  };
  return { body, definition };
}

/** Makes a definition and waits until its objects are served. */
export async function define(world: World, name: string, options: DefinitionOptions = {}): Promise<Definition> {
  const { body, definition } = definitionOf(world, name, options);
  await world.api.create(definitions, body);
  world.cleanUp(() => world.api.send({ method: 'DELETE', path: definition.path }));
  await established(world, definition);
  return definition;
}

export async function established(world: World, { path, collection }: Definition): Promise<void> {
  await eventually('the definition is established', async () => {
    const { status } = await world.api.get(path);
    return status?.conditions?.some((one: Json) => one.type === 'Established' && one.status === 'True');
  });
  await eventually('its objects are served', async () => (await world.api.send({ path: collection() })).status === 200);
}

export { definitions };
