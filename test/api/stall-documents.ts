/** Documents that large definitions make large, or that many make long. Each try comes after a change: nothing is known from the one before. */
import type { Call } from './fixture.ts';
import type { StallCase } from './stall-cases.ts';
import { custom, definition, definitions, group, json, patch, post, times } from './stall-cases.ts';

/** Some 700 KB of a schema with this many objects of a hundred fields. */
function broadSchema(objects: number): { type: string; properties: Record<string, object> } {
  const inner = (): object => Object.fromEntries(times(100, index => [`inner${index}`, { type: 'string' }]));
  const properties = Object.fromEntries(
    times(objects, index => [`outer${index}`, { type: 'object', properties: inner() }]),
  );
  return { type: 'object', properties };
}

/** As many nodes as a definition may have, described: 2.5 MB. */
function fullSchema(): object {
  const { type, properties } = broadSchema(450);
  const described = (schema: object) => ({ ...schema, description: 'a field' });
  return {
    type,
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, object]) => {
        const { properties: fields } = object as { properties: Record<string, object> };
        const all = Object.fromEntries(Object.entries(fields).map(([field, schema]) => [field, described(schema)]));
        return [name, { type, properties: all }];
      }),
    ),
  };
}

const plurals = ['broad', 'broada', 'broadb', 'broadc', 'broadd'];
const pathOf = (plural: string) => `${definitions}/${plural}.${group}`;
const resources = (plural: string) => `/apis/${group}/v1/${plural}`;

/** Another field in the definition of a kind, named for who changes it: the definition is never what it was. */
function changeFor(name: string, plural = 'broad'): (attempt: number) => [Call] {
  return attempt => {
    const value = { type: 'object', properties: { [`${name}${attempt}`]: { type: 'string' } } };
    const path = '/spec/versions/0/schema/openAPIV3Schema/properties/more';
    return [patch(pathOf(plural), 'application/json-patch+json', JSON.stringify([{ op: 'add', path, value }]))];
  };
}

/** A small kind in a group of its own. */
function groupOf(index: number): object {
  const own = definition('small', { type: 'string' }) as { spec: object };
  const name = `group${index}.example.com`;
  return { ...own, metadata: { name: `small.${name}` }, spec: { ...own.spec, group: name } };
}

const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

export const documentCases: readonly StallCase[] = [
  {
    name: 'a definition with 20,000 fields',
    call: post(definitions, definition('broad', broadSchema(200))),
    status: 201,
  },
  {
    name: 'one field more in a definition with 20,000 fields',
    ready: resources('broad'),
    find: pathOf('broad'),
    call: (attempt, found) => {
      const changed = structuredClone(found) as ReturnType<typeof definition> & Definition;
      changed.spec.versions[0]!.schema.openAPIV3Schema.properties[`field${attempt}`] = { type: 'string' };
      return { method: 'PUT', path: pathOf('broad'), headers: json, body: JSON.stringify(changed) };
    },
    status: 200,
  },
  {
    name: 'OpenAPI v3 of a group with 20,000 fields',
    change: changeFor('case1'),
    call: { path: `/openapi/v3/apis/${group}/v1` },
    status: 200,
  },
  {
    name: 'a change of a definition beside four others with 20,000 fields',
    before: plurals.slice(1).map(plural => post(definitions, definition(plural, broadSchema(200)))),
    ready: resources(plurals.at(-1)!),
    call: attempt => changeFor('own')(attempt)[0],
    status: 200,
  },
  {
    name: 'a label on a definition beside four others with 20,000 fields',
    call: attempt =>
      patch(
        pathOf('broada'),
        'application/merge-patch+json',
        JSON.stringify({ metadata: { labels: { a: `${attempt}` } } }),
      ),
    status: 200,
  },
  { name: 'OpenAPI v2 with 100,000 fields', change: changeFor('case2'), call: { path: '/openapi/v2' }, status: 200 },
  {
    name: 'OpenAPI v2 with 100,000 fields, compressed',
    change: changeFor('case3'),
    call: { path: '/openapi/v2', headers: { 'accept-encoding': 'gzip' } },
    status: 200,
  },
  {
    name: 'OpenAPI v2 with 100,000 fields as protobuf',
    change: changeFor('case4'),
    call: { path: '/openapi/v2', headers: { accept: protobuf } },
    status: 200,
  },
  {
    name: 'OpenAPI v3 of a group with 100,000 fields',
    change: changeFor('case5'),
    call: { path: `/openapi/v3/apis/${group}/v1` },
    status: 200,
  },
  { name: 'the index of OpenAPI v3', change: changeFor('case6'), call: { path: '/openapi/v3' }, status: 200 },
  {
    name: 'a definition with 45,000 fields',
    call: post(definitions, definition('full', fullSchema())),
    status: 201,
  },
  {
    name: 'a label on a definition with 45,000 fields',
    ready: resources('full'),
    call: attempt =>
      patch(
        pathOf('full'),
        'application/merge-patch+json',
        JSON.stringify({ metadata: { labels: { a: `${attempt}` } } }),
      ),
    status: 200,
  },
  {
    name: 'the first object of 45,000 fields that may be',
    change: changeFor('first', 'full'),
    call: attempt => custom('full', { outer0: { inner0: 'a' } }, `first${attempt}`),
    status: 201,
  },
  {
    name: 'deletion of a definition with 45,000 fields',
    change: attempt => [post(definitions, definition(`gone${attempt}`, fullSchema()))],
    call: attempt => ({ method: 'DELETE', path: pathOf(`gone${attempt}`) }),
    status: 200,
  },
  {
    name: 'OpenAPI v3 of definitions with 45,000 fields and more',
    change: changeFor('case7'),
    call: { path: `/openapi/v3/apis/${group}/v1` },
    status: 200,
  },
  {
    name: 'aggregated discovery of 300 groups',
    before: times(300, index => post(definitions, groupOf(index))),
    ready: '/apis/group299.example.com/v1/small',
    change: changeFor('case8'),
    call: { path: '/apis', headers: { accept: discovery } },
    status: 200,
  },
  { name: 'discovery of 300 groups', change: changeFor('case9'), call: { path: '/apis' }, status: 200 },
  {
    name: 'the index of OpenAPI v3 of 300 groups',
    change: changeFor('case10'),
    call: { path: '/openapi/v3' },
    status: 200,
  },
  { name: 'OpenAPI v2 of 300 groups', change: changeFor('case11'), call: { path: '/openapi/v2' }, status: 200 },
];

/** What is changed of a definition. */
interface Definition {
  spec: { versions: { schema: { openAPIV3Schema: { properties: Record<string, object> } } }[] };
}
