import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApiServer } from '../testing.ts';
import {
  conditionOf,
  define,
  definitionOf,
  definitionsPath,
  isTrue,
  scaled,
  untilDefinition,
  untilGone,
  versionOf,
  widget,
  widgets,
} from './testing.ts';

test('a defined kind is served until its definition is deleted, and then made anew', async () => {
  await using api = await startTestApiServer();
  assert.equal((await api.call('GET', widgets)).status, 404);
  for (let round = 0; round < 2; round++) {
    await define(api, definitionOf());
    const made = await api.call('POST', widgets, { body: widget('a', { spec: { size: 3 } }) });
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(made.json.spec, { size: 3 });
    assert.equal(made.json.metadata.generation, 1);
    const list = (await api.call('GET', widgets)).json;
    assert.equal(list.kind, 'WidgetList');
    assert.deepEqual(
      list.items.map((item: { kind: string; apiVersion: string }) => [item.kind, item.apiVersion]),
      [['Widget', 'example.com/v1']],
    );
    using watch = api.watch(`${widgets}?watch=true`);
    assert.equal((await watch.next()).type, 'ADDED');
    assert.equal((await api.call('DELETE', `${definitionsPath}/widgets.example.com`)).status, 200);
    assert.equal((await watch.next()).type, 'DELETED');
    await untilGone(api, 'widgets.example.com');
    await watch.ended;
    assert.equal((await api.call('GET', widgets)).status, 404);
  }
});

test('a definition shows what became of it', async () => {
  await using api = await startTestApiServer();
  const { status } = await define(api, definitionOf({ versions: [versionOf('v1', { storage: true })] }));
  assert.deepEqual(status.acceptedNames, {
    plural: 'widgets',
    singular: 'widget',
    kind: 'Widget',
    listKind: 'WidgetList',
  });
  assert.deepEqual(status.storedVersions, ['v1']);
  assert.deepEqual(
    status.conditions.map(({ type, status, reason, message }: Record<string, string>) => [
      type,
      status,
      reason,
      message,
    ]),
    [
      ['NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'],
      ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'],
    ],
  );
});

test('status and scale are parts of their own', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ versions: [scaled] }));
  const made = await api.call('POST', widgets, { body: widget('a', { spec: { size: 1 }, status: { now: 9 } }) });
  assert.deepEqual([made.json.spec, made.json.status], [{ size: 1, color: 'red' }, undefined]);
  const merge = { 'content-type': 'application/merge-patch+json' };
  const status = { spec: { size: 7 }, status: { now: 1, selector: 'app=a' } };
  const patched = await api.call('PATCH', `${widgets}/a/status`, {
    body: { status: status.status, spec: status.spec },
    headers: merge,
  });
  assert.deepEqual(
    [patched.json.spec.size, patched.json.status, patched.json.metadata.generation],
    [1, status.status, 1],
  );
  const scale = (await api.call('GET', `${widgets}/a/scale`)).json;
  assert.deepEqual(
    [scale.kind, scale.spec, scale.status],
    ['Scale', { replicas: 1 }, { replicas: 1, selector: 'app=a' }],
  );
  const put = await api.call('PUT', `${widgets}/a/scale`, { body: { ...scale, spec: { replicas: 4 } } });
  assert.deepEqual([put.status, put.json.spec], [200, { replicas: 4 }], put.text);
  const after = (await api.call('GET', `${widgets}/a`)).json;
  assert.deepEqual([after.spec.size, after.metadata.generation], [4, 2]);
  const negative = await api.call('PATCH', `${widgets}/a/scale`, { body: { spec: { replicas: -1 } }, headers: merge });
  assert.equal(negative.status, 422);
  assert.match(negative.json.message, /spec\.size: Invalid value: -1: should be a non-negative integer/);
  await api.call('POST', widgets, { body: widget('none') });
  const none = await api.call('GET', `${widgets}/none/scale`);
  assert.deepEqual(
    [none.status, none.json.message],
    [500, 'Internal error occurred: the spec replicas field ".spec.size" does not exist'],
  );
});

test('fields that a definition names can be selected by', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ versions: [scaled] }));
  for (const [name, color] of [
    ['a', 'red'],
    ['b', 'blue'],
  ] as const) {
    await api.call('POST', widgets, { body: widget(name, { spec: { color } }) });
  }
  const names = async (selector: string) => {
    const { json } = await api.call('GET', `${widgets}?fieldSelector=${selector}`);
    return json.items?.map((item: { metadata: { name: string } }) => item.metadata.name) ?? json.message;
  };
  assert.deepEqual(await names('spec.color=blue'), ['b']);
  assert.deepEqual(await names('spec.color!=blue'), ['a']);
  assert.match(await names('spec.size=1'), /field label not supported: spec\.size/);
  using watch = api.watch(`${widgets}?watch=true&fieldSelector=spec.color=blue`);
  assert.equal((await watch.next()).object.metadata.name, 'b');
  const merge = { 'content-type': 'application/merge-patch+json' };
  await api.call('PATCH', `${widgets}/b`, { body: { spec: { color: 'green' } }, headers: merge });
  assert.equal((await watch.next()).type, 'DELETED');
  const gone = await api.call('DELETE', `${widgets}?fieldSelector=spec.color=green`);
  assert.equal(gone.json.items.length, 1);
});

test('tables have the columns of the version', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ versions: [scaled, versionOf('v2')] }));
  await api.call('POST', widgets, { body: widget('a', { spec: { size: 3 } }) });
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const columns = async (path: string) => {
    const { json } = await api.call('GET', path, { headers: { accept } });
    return [
      json.columnDefinitions.map(({ name }: { name: string }) => name),
      json.rows.map((row: { cells: unknown }) => row.cells),
    ];
  };
  assert.deepEqual(await columns(widgets), [['Name', 'Size'], [['a', 3]]]);
  assert.deepEqual((await columns(widgets.replace('/v1/', '/v2/')))[0], ['Name', 'Age']);
  const partial = await api.call('GET', widgets, {
    headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
  });
  assert.equal(partial.json.items[0].kind, 'PartialObjectMetadata');
  const protobuf = { headers: { accept: 'application/vnd.kubernetes.protobuf' } };
  assert.equal((await api.call('GET', widgets, protobuf)).status, 406);
});

test('discovery and OpenAPI follow the definitions', async () => {
  await using api = await startTestApiServer();
  const names = { shortNames: ['wd'], categories: ['all'] };
  await define(api, definitionOf({ names, versions: [scaled, versionOf('v1beta1', { deprecated: true })] }));
  const group = (await api.call('GET', '/apis/example.com')).json;
  assert.deepEqual(
    [group.preferredVersion.version, group.versions.map(({ version }: { version: string }) => version)],
    ['v1', ['v1', 'v1beta1']],
  );
  const { resources } = (await api.call('GET', '/apis/example.com/v1')).json;
  assert.deepEqual(
    resources.map(({ name }: { name: string }) => name),
    ['widgets', 'widgets/status', 'widgets/scale'],
  );
  assert.deepEqual([resources[0].shortNames, resources[0].categories], [['wd'], ['all']]);
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const aggregated = await api.call('GET', '/apis', { headers: { accept } });
  const found = aggregated.json.items.find(
    (item: { metadata: { name: string } }) => item.metadata.name === 'example.com',
  );
  assert.equal(found.versions[0].resources[0].resource, 'widgets');
  const v3 = (await api.call('GET', '/openapi/v3/apis/example.com/v1')).json;
  assert.equal(v3.components.schemas['com.example.v1.Widget'].properties.spec.properties.size.type, 'integer');
  const old = (await api.call('GET', '/openapi/v3/apis/example.com/v1beta1')).json;
  assert.equal(old.paths['/apis/example.com/v1beta1/namespaces/{namespace}/widgets'].get.deprecated, true);
  const v2 = (await api.call('GET', '/openapi/v2')).json;
  assert.ok(v2.definitions['com.example.v1.Widget']);
  const warned = await api.call('GET', widgets.replace('/v1/', '/v1beta1/'));
  assert.match(warned.headers['warning'] ?? '', /example\.com\/v1beta1 Widget is deprecated/);
  await api.call('DELETE', `${definitionsPath}/widgets.example.com`);
  await untilGone(api, 'widgets.example.com');
  assert.equal((await api.call('GET', '/apis/example.com')).status, 404);
  assert.notEqual(
    (await api.call('GET', '/apis', { headers: { accept } })).headers['etag'],
    aggregated.headers['etag'],
  );
});

test('what does not fit is refused in upstream’s words', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ versions: [scaled] }));
  const post = (body: object, query = '') => api.call('POST', `${widgets}${query}`, { body });
  const message = async (body: object, query = '') => {
    const { status, json } = await post(body, query);
    return [status, json.message];
  };
  assert.deepEqual(await message({ ...widget('a'), kind: 'Gadget' }), [
    422,
    'Widget.example.com "a" is invalid: kind: Invalid value: "Gadget": must be Widget',
  ]);
  assert.deepEqual(await message({ ...widget('a'), apiVersion: 'example.com/v7' }), [
    400,
    'the API version in the data (example.com/v7) does not match the expected API version (example.com/v1)',
  ]);
  assert.match(
    (await message(widget('a', { spec: { size: 'x' } })))[1],
    /^Widget\.example\.com "a" is invalid: \[spec\.size: Invalid value: "string": spec\.size in body must be of type integer: "string", /,
  );
  assert.match(
    (await message(widget('a', { spec: { huge: 1 } }), '?fieldValidation=Strict'))[1],
    /strict decoding error: unknown field "spec\.huge"/,
  );
  const warned = await post(widget('a', { spec: { huge: 1 } }));
  assert.match(warned.headers['warning'] ?? '', /unknown field \\"spec\.huge\\"/);
  assert.deepEqual(warned.json.spec, { color: 'red' });
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
  const patched = await api.call('PATCH', `${widgets}/a`, { body: {}, headers: strategic });
  assert.deepEqual(
    [patched.status, patched.json.message],
    [
      415,
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    ],
  );
  const put = await api.call('PUT', `${widgets}/a`, { body: widget('a') });
  assert.equal(put.status, 422);
  assert.match(put.json.message, /metadata\.resourceVersion: Invalid value: 0x0: must be specified for an update/);
});

test('names that are in use are not given again until they are free', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ names: { shortNames: ['w'] } }));
  const names = { plural: 'gadgets', singular: 'gadget', kind: 'Widget', listKind: 'GadgetList', shortNames: ['w'] };
  const made = await api.call('POST', definitionsPath, { body: definitionOf({ names }) });
  assert.equal(made.status, 201, made.text);
  const { status } = await untilDefinition(api, 'gadgets.example.com', ({ status }) =>
    conditionOf(status, 'NamesAccepted'),
  );
  assert.deepEqual(
    ['NamesAccepted', 'Established'].map(type => {
      const { status: is, reason, message } = conditionOf(status, type);
      return [is, reason, message];
    }),
    [
      ['False', 'KindConflict', '"Widget" is already in use'],
      ['False', 'NotAccepted', 'not all names are accepted'],
    ],
  );
  assert.deepEqual(status.acceptedNames, { plural: 'gadgets', singular: 'gadget', kind: '', listKind: 'GadgetList' });
  assert.equal((await api.call('GET', '/apis/example.com/v1/gadgets')).status, 404);
  await api.call('DELETE', `${definitionsPath}/widgets.example.com`);
  await untilDefinition(api, 'gadgets.example.com', ({ status }) => isTrue(status, 'Established'));
  assert.equal((await api.call('GET', '/apis/example.com/v1/gadgets')).status, 200);
});

test('instances with finalizers hold their definition, and nothing new is made meanwhile', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf());
  await api.call('POST', widgets, {
    body: widget('held', { metadata: { name: 'held', finalizers: ['example.com/wait'] } }),
  });
  await api.call('DELETE', `${definitionsPath}/widgets.example.com`);
  const definition = await untilDefinition(
    api,
    'widgets.example.com',
    ({ status }) => conditionOf(status, 'Terminating')?.reason === 'InstanceDeletionInProgress',
  );
  assert.equal(definition.metadata.deletionTimestamp !== undefined, true);
  const refused = await api.call('POST', widgets, { body: widget('new') });
  assert.deepEqual(
    [refused.status, refused.json.message],
    [405, 'create not allowed while custom resource definition is terminating'],
  );
  const { resources } = (await api.call('GET', '/apis/example.com/v1')).json;
  assert.deepEqual(resources[0].verbs, ['delete', 'deletecollection', 'get', 'list', 'watch']);
  using watch = api.watch(`${widgets}?watch=true`);
  let seen = (await watch.next()).object;
  while (!seen.metadata.deletionTimestamp) seen = (await watch.next()).object;
  const merge = { 'content-type': 'application/merge-patch+json' };
  await api.call('PATCH', `${widgets}/held`, { body: { metadata: { finalizers: null } }, headers: merge });
  await untilGone(api, 'widgets.example.com');
});

test('groups of the community need an approval', async () => {
  await using api = await startTestApiServer();
  const metadata = { annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } };
  const { status } = await define(api, definitionOf({ group: 'test.k8s.io', metadata }));
  const { status: is, reason, message } = conditionOf(status, 'KubernetesAPIApprovalPolicyConformant');
  assert.deepEqual([is, reason, message], ['False', 'UnapprovedAnnotation', 'not approved: "unapproved, for a test"']);
});

test('server-side apply knows the schema of a custom resource', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ versions: [scaled] }));
  const apply = (manager: string, spec: object) =>
    api.call('PATCH', `${widgets}/a?fieldManager=${manager}`, {
      body: widget('a', { spec }),
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
  assert.equal((await apply('one', { size: 1 })).status, 201);
  const conflict = await apply('two', { size: 2 });
  assert.deepEqual(
    [conflict.status, conflict.json.message],
    [409, 'Apply failed with 1 conflict: conflict with "one": .spec.size'],
  );
  assert.deepEqual((await apply('one', { color: 'blue' })).json.spec, { color: 'blue' });
});

test('a definition of what is built in serves nothing, and its deletion deletes nothing', async () => {
  await using api = await startTestApiServer();
  const names = {
    ...{ plural: 'customresourcedefinitions', singular: 'customresourcedefinition' },
    ...{ kind: 'CustomResourceDefinition', listKind: 'CustomResourceDefinitionList' },
  };
  const metadata = { annotations: { 'api-approved.kubernetes.io': 'unapproved' } };
  await define(api, definitionOf());
  await define(api, definitionOf({ names, metadata, group: 'apiextensions.k8s.io', scope: 'Cluster' }));
  const path = `${definitionsPath}/customresourcedefinitions.apiextensions.k8s.io`;
  assert.equal((await api.call('GET', path)).json.spec.group, 'apiextensions.k8s.io');
  await api.call('DELETE', path);
  await untilGone(api, 'customresourcedefinitions.apiextensions.k8s.io');
  assert.equal((await api.call('GET', `${definitionsPath}/widgets.example.com`)).status, 200);
});

test('paths that a definition does not have lead nowhere', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf());
  await define(
    api,
    definitionOf({
      names: { plural: 'hulls', singular: 'hull', kind: 'Hull', listKind: 'HullList' },
      scope: 'Cluster',
    }),
  );
  await api.call('POST', widgets, { body: widget('a') });
  for (const [method, path, status] of [
    ['POST', '/apis/example.com/v1/widgets', 404],
    ['GET', '/apis/example.com/v1/widgets', 200],
    ['GET', '/apis/example.com/v1/namespaces/default/hulls', 404],
    ['GET', '/apis/example.com/v1/hulls', 200],
    ['GET', '/apis/example.com/v2/widgets', 404],
    ['GET', `${widgets}/a/status`, 404],
    ['GET', `${widgets}/a/scale`, 404],
  ] as const) {
    const body = method === 'POST' ? { body: widget('b') } : undefined;
    assert.equal((await api.call(method, path, body)).status, status, `${method} ${path}`);
  }
});

test('hundreds of definitions are served', async () => {
  await using api = await startTestApiServer();
  const names = (index: number) => ({
    ...{ plural: `kinds${index}`, singular: `kind${index}`, kind: `Kind${index}`, listKind: `Kind${index}List` },
  });
  const all = Array.from({ length: 300 }, (_, index) =>
    define(api, definitionOf({ names: names(index), group: `g${index % 50}.example.com`, versions: [scaled] })),
  );
  await Promise.all(all);
  const path = '/apis/g7.example.com/v1/namespaces/default/kinds7';
  const made = await api.call('POST', path, {
    body: { apiVersion: 'g7.example.com/v1', kind: 'Kind7', metadata: { name: 'a' } },
  });
  assert.equal(made.status, 201, made.text);
  const { items } = (
    await api.call('GET', '/apis', {
      headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' },
    })
  ).json;
  const custom = items.filter((item: { metadata: { name: string } }) => item.metadata.name.endsWith('.example.com'));
  assert.equal(
    custom.flatMap((item: { versions: { resources: object[] }[] }) => item.versions[0]!.resources).length,
    300,
  );
});
