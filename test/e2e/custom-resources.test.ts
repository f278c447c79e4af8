/** Custom resources as a user of kubectl meets them: definitions, columns, explain, scale, versions, deletion, and what is refused. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';

let server: Server;
before(async () => {
  server = await startServer();
  server.kubectl('create', 'namespace', 'garden');
});
after(() => server[Symbol.asyncDispose]());

const schema = `
        type: object
        description: A plant and how it is kept.
        properties:
          spec:
            type: object
            required: [kind]
            properties:
              kind: { type: string, enum: [rose, fern], description: What grows. }
              pots: { type: integer, minimum: 0, default: 1 }
              places:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: { type: object, required: [name], properties: { name: { type: string }, light: { type: string } } }
            x-kubernetes-validations:
            - { rule: "self.kind != 'fern' || self.pots < 5", message: ferns need room }
          status:
            type: object
            properties: { pots: { type: integer }, selector: { type: string } }`;

const version = (name: string, flags: string) => `
  - name: ${name}
    ${flags}
    schema:
      openAPIV3Schema:${schema}
    subresources:
      status: {}
      scale: { specReplicasPath: .spec.pots, statusReplicasPath: .status.pots, labelSelectorPath: .status.selector }
    selectableFields: [{ jsonPath: .spec.kind }]
    additionalPrinterColumns:
    - { name: Kind, type: string, jsonPath: .spec.kind }
    - { name: Pots, type: integer, jsonPath: .spec.pots }
    - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }`;

const definition = (versions: string) => `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: plants.garden.example.com }
spec:
  group: garden.example.com
  scope: Namespaced
  names: { plural: plants, singular: plant, kind: Plant, listKind: PlantList, shortNames: [pl], categories: [green] }
  versions:${versions}
`;

const v1 = version('v1', 'served: true\n    storage: true');
const plant = (name: string, spec: string, api = 'v1') => `
apiVersion: garden.example.com/${api}
kind: Plant
metadata: { name: ${name}, namespace: garden }
spec: ${spec}
`;

const get = (...args: string[]) => server.kubectl('-n', 'garden', 'get', ...args);
const established = () =>
  server.kubectl('wait', '--for=condition=established', '--timeout=30s', 'crd/plants.garden.example.com');

test('a definition is applied, and objects of it in the next moment', () => {
  assert.equal(
    server.apply(definition(v1)),
    'customresourcedefinition.apiextensions.k8s.io/plants.garden.example.com created\n',
  );
  established();
  assert.match(server.kubectl('api-resources'), /^plants +pl +garden\.example\.com\/v1 +true +Plant$/m);
  const { stdout, stderr } = server.tryKubectl(['apply', '-f', '-'], plant('rose', '{ kind: rose }'));
  assert.deepEqual([stdout, stderr], ['plant.garden.example.com/rose created\n', '']);
  assert.match(get('pl'), /^NAME +KIND +POTS +AGE\nrose +rose +1 +\d+s\n$/);
  assert.match(get('green', '-o', 'name'), /^plant\.garden\.example\.com\/rose$/m);
  assert.equal(server.apply(plant('rose', '{ kind: rose }')), 'plant.garden.example.com/rose unchanged\n');
});

test('kubectl explains the fields', () => {
  const text = server.kubectl('explain', 'plants.spec');
  assert.match(text, /^GROUP: +garden\.example\.com\nKIND: +Plant\nVERSION: +v1\n/);
  assert.match(text, /kind\t<string> -required-\n *enum: rose, fern\n +What grows\./);
  assert.match(server.kubectl('explain', 'plants'), /A plant and how it is kept\./);
});

const refusals: readonly (readonly [string, string, RegExp])[] = [
  [
    'of a value that is not in its list',
    '{ kind: oak }',
    /spec\.kind: Unsupported value: "oak": supported values: "rose", "fern"/,
  ],
  [
    'of a number below its minimum',
    '{ kind: rose, pots: -1 }',
    /spec\.pots: Invalid value: -1: spec\.pots in body should be greater than or equal to 0/,
  ],
  ['without what is required', '{ pots: 1 }', /spec\.kind: Required value/],
  [
    'of another type',
    '{ kind: rose, pots: many }',
    /spec\.pots: Invalid value: "string": spec\.pots in body must be of type integer: "string"/,
  ],
  ['against a rule', '{ kind: fern, pots: 9 }', /The Plant "bad" is invalid: spec: Invalid value: .*ferns need room/],
  ['with an unknown field', '{ kind: rose, pot: 1 }', /strict decoding error: unknown field "spec\.pot"/],
  [
    'with the same key twice',
    '{ kind: rose, places: [{ name: a }, { name: a }] }',
    /spec\.places\[1\]: Duplicate value: \{"name":"a"\}/,
  ],
];

for (const [what, spec, message] of refusals) {
  test(`an object ${what} is refused`, () => {
    const { status, stderr } = server.tryKubectl(['create', '-f', '-'], plant('bad', spec));
    assert.equal(status, 1);
    assert.match(stderr, message);
  });
}

test('objects are patched, scaled and given a status', () => {
  const patch = (...args: string[]) => server.kubectl('-n', 'garden', 'patch', 'plant', 'rose', ...args);
  assert.match(patch('--type=merge', '-p', '{"spec":{"pots":2}}'), /patched/);
  assert.match(patch('--type=json', '-p', '[{"op":"replace","path":"/spec/pots","value":3}]'), /patched/);
  const strategic = server.tryKubectl(['-n', 'garden', 'patch', 'plant', 'rose', '-p', '{"spec":{"pots":9}}']);
  assert.match(
    strategic.stderr,
    /the body of the request was in an unknown format|strategic merge patch is not supported/i,
  );
  assert.match(
    patch('--subresource=status', '--type=merge', '-p', '{"status":{"pots":3,"selector":"a=b"},"spec":{"pots":7}}'),
    /patched/,
  );
  assert.equal(get('plant', 'rose', '-o', 'jsonpath={.spec.pots} {.status.pots} {.metadata.generation}'), '3 3 3');
  assert.equal(
    server.kubectl('-n', 'garden', 'scale', 'plant/rose', '--replicas=4'),
    'plant.garden.example.com/rose scaled\n',
  );
  assert.equal(get('plant', 'rose', '-o', 'jsonpath={.spec.pots}'), '4');
  assert.equal(
    get('plant', 'rose', '--subresource=scale', '-o', 'jsonpath={.spec.replicas} {.status.selector}'),
    '4 a=b',
  );
  const applied = server.tryKubectl(['apply', '--server-side', '-f', '-'], plant('rose', '{ kind: rose, pots: 5 }'));
  assert.match(applied.stderr, /conflicts? with "kubectl(-patch)?"/);
  const forced = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
  assert.equal(
    server.tryKubectl(forced, plant('rose', '{ kind: rose, pots: 5 }')).stdout,
    'plant.garden.example.com/rose serverside-applied\n',
  );
});

test('selectors and watches see custom fields', async () => {
  server.apply(plant('fern', '{ kind: fern }'));
  assert.equal(get('plants', '--field-selector=spec.kind=fern', '-o', 'name'), 'plant.garden.example.com/fern\n');
  const watching = spawn('kubectl', [
    ...['--kubeconfig', server.kubeconfig, '-n', 'garden', 'get', 'plants', '--watch', '--output-watch-events'],
    ...['--field-selector=spec.kind=fern', '-o', 'custom-columns=E:.type,N:.object.metadata.name,P:.object.spec.pots'],
  ]);
  try {
    const lines = createInterface(watching.stdout)[Symbol.asyncIterator]();
    const next = async () => ((await lines.next()).value as string).trim().split(/ +/);
    assert.deepEqual(await next(), ['E', 'N', 'P']);
    assert.deepEqual(await next(), ['ADDED', 'fern', '1']);
    server.kubectl('-n', 'garden', 'patch', 'plant', 'fern', '--type=merge', '-p', '{"spec":{"pots":2}}');
    assert.deepEqual(await next(), ['MODIFIED', 'fern', '2']);
    server.kubectl('-n', 'garden', 'delete', 'plant', 'fern');
    assert.deepEqual(await next(), ['DELETED', 'fern', '2']);
  } finally {
    watching.kill();
    await once(watching, 'close');
  }
});

test('a second version shows the same objects, the old one with a warning', () => {
  const old = version('v1', 'served: true\n    storage: false\n    deprecated: true');
  server.apply(definition(old + version('v2', 'served: true\n    storage: true')));
  const shown = server.tryKubectl([
    '-n',
    'garden',
    'get',
    'plants.v1.garden.example.com',
    'rose',
    '-o',
    'jsonpath={.apiVersion}',
  ]);
  assert.equal(shown.stdout, 'garden.example.com/v1');
  assert.match(shown.stderr, /Warning: garden\.example\.com\/v1 Plant is deprecated/);
  // kubectl remembers for hours what is served; this asks anew.
  assert.match(server.kubectl('api-resources'), /^plants +pl +garden\.example\.com\/v2 +true +Plant$/m);
  assert.equal(get('plants', 'rose', '-o', 'jsonpath={.apiVersion}'), 'garden.example.com/v2');
  assert.equal(
    server.kubectl('get', 'crd', 'plants.garden.example.com', '-o', 'jsonpath={.status.storedVersions}'),
    '["v1","v2"]',
  );
  assert.match(server.kubectl('explain', 'plants'), /VERSION: +v2/);
});

test('a role says who may see them', () => {
  server.kubectl(
    '-n',
    'garden',
    'create',
    'role',
    'gardener',
    '--verb=get,list',
    '--resource=plants.garden.example.com',
  );
  server.kubectl('-n', 'garden', 'create', 'rolebinding', 'gardener', '--role=gardener', '--user=flora');
  assert.match(get('plants', '--as=flora'), /^rose /m);
  const { stderr } = server.tryKubectl(['-n', 'garden', 'delete', 'plant', 'rose', '--as=flora']);
  assert.match(
    stderr,
    /plants\.garden\.example\.com "rose" is forbidden: User "flora" cannot delete resource "plants" in API group "garden\.example\.com" in the namespace "garden"/,
  );
});

test('a quota counts them', () => {
  server.kubectl('-n', 'garden', 'create', 'quota', 'few', '--hard=count/plants.garden.example.com=1');
  const { status, stderr } = server.tryKubectl(['apply', '-f', '-'], plant('more', '{ kind: rose }', 'v2'));
  assert.equal(status, 1);
  assert.match(
    stderr,
    /exceeded quota: few, requested: count\/plants\.garden\.example\.com=1, used: count\/plants\.garden\.example\.com=1, limited: count\/plants\.garden\.example\.com=1/,
  );
  server.kubectl('-n', 'garden', 'delete', 'quota', 'few');
});

test('what a custom object owns goes with it', () => {
  const uid = get('plant', 'rose', '-o', 'jsonpath={.metadata.uid}');
  const owner = `{ apiVersion: garden.example.com/v2, kind: Plant, name: rose, uid: ${uid} }`;
  const owned = (kind: string, apiVersion: string, more: string) =>
    `---\n{ apiVersion: ${apiVersion}, kind: ${kind}, metadata: { name: owned, namespace: garden, ownerReferences: [${owner}] }${more} }\n`;
  server.apply(owned('ConfigMap', 'v1', '') + owned('Plant', 'garden.example.com/v2', ', spec: { kind: fern }'));
  server.kubectl('-n', 'garden', 'delete', 'plant', 'rose', '--cascade=foreground', '--timeout=60s');
  const { stdout } = server.tryKubectl(['-n', 'garden', 'get', 'cm/owned', 'plant/owned', '--ignore-not-found']);
  assert.equal(stdout, '');
});

test('a namespace takes its custom objects with it', () => {
  server.kubectl('create', 'namespace', 'plot');
  server.apply(plant('short', '{ kind: fern }', 'v2').replace('namespace: garden', 'namespace: plot'));
  server.kubectl('delete', 'namespace', 'plot', '--timeout=60s');
  assert.equal(server.kubectl('get', 'plants', '-A', '--ignore-not-found'), '');
});

test('a deleted definition takes its objects with it, and may come again without them', () => {
  server.apply(plant('last', '{ kind: fern }', 'v2'));
  server.kubectl('delete', 'crd', 'plants.garden.example.com', '--timeout=60s');
  assert.doesNotMatch(server.kubectl('api-resources'), /garden\.example\.com/);
  const { stderr } = server.tryKubectl(['-n', 'garden', 'get', 'plants']);
  assert.match(stderr, /the server doesn't have a resource type "plants"/);
  server.apply(definition(v1));
  established();
  assert.equal(get('plants', '--ignore-not-found'), '');
  server.apply(plant('new', '{ kind: rose }'));
  assert.match(get('plants'), /^new /m);
});

test('definitions and objects are there again after the server was killed', async () => {
  await server.stop('SIGKILL');
  await server.start();
  assert.match(get('plants'), /^new +rose +1 /m);
  server.kubectl('delete', 'crd', 'plants.garden.example.com', '--timeout=60s');
});
