import type { TestServer } from '../testing.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
type Json = any;

export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export interface TestDefinition {
  readonly versions?: readonly Json[] | undefined;
  readonly conversion?: Json;
  readonly names?: Json;
  readonly group?: string | undefined;
  readonly scope?: 'Namespaced' | 'Cluster' | undefined;
  readonly metadata?: Json;
}

/** A version that keeps everything, unless it says otherwise. */
export function versionOf(name: string, more: Json = {}): Json {
  return {
    ...{ name, served: true, storage: false },
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    ...more,
  };
}

/** The definition of Widgets. */
export function definitionOf(options: TestDefinition = {}): Json {
  const { group = 'example.com', scope = 'Namespaced' } = options;
  const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', ...options.names };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${group}`, ...options.metadata },
    spec: {
      ...{ group, scope, names },
      versions: options.versions ?? [versionOf('v1', { storage: true })],
      ...(options.conversion && { conversion: options.conversion }),
    },
  };
}

/** Widgets of the default namespace, as `definitionOf` defines them. */
export const widgets = '/apis/example.com/v1/namespaces/default/widgets';
export const widget = (name: string, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  ...more,
});

/** A version with a schema, defaults, both subresources, a column and a field to select by. */
export const scaled = versionOf('v1', {
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: { size: { type: 'integer' }, color: { type: 'string', default: 'red' } },
        },
        status: { type: 'object', properties: { now: { type: 'integer' }, selector: { type: 'string' } } },
      },
    },
  },
  subresources: {
    status: {},
    scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.now', labelSelectorPath: '.status.selector' },
  },
  additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
  selectableFields: [{ jsonPath: '.spec.color' }],
});

/** Makes a definition and waits until it is served. */
export async function define(api: TestServer, definition: Json): Promise<Json> {
  const made = await api.call('POST', definitionsPath, { body: definition });
  if (made.status !== 201) throw new Error(made.text);
  return untilDefinition(api, definition.metadata.name, ({ status }) => isTrue(status, 'Established'));
}

export function isTrue(status: Json, type: string): boolean {
  return conditionOf(status, type)?.status === 'True';
}

export function conditionOf(status: Json, type: string): Json {
  return status?.conditions?.find((condition: Json) => condition.type === type);
}

/** The first state of a definition that is as wanted; `undefined` stands for one that is gone. */
export async function untilDefinition(api: TestServer, name: string, is: (definition: Json) => boolean): Promise<Json> {
  using watch = api.watch(`${definitionsPath}?watch=true&fieldSelector=metadata.name%3D${name}`);
  for (;;) {
    const { object } = await watch.next();
    if (is(object)) return object;
  }
}

export async function untilGone(api: TestServer, name: string): Promise<void> {
  using watch = api.watch(
    `${definitionsPath}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3D${name}`,
  );
  let isThere = false;
  for (;;) {
    const { type } = await watch.next();
    if (type === 'ADDED') isThere = true;
    if (type === 'DELETED' || (type === 'BOOKMARK' && !isThere)) return;
  }
}
