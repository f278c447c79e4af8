import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApiServer } from '../testing.ts';
import { define, definitionOf, definitionsPath, untilGone, versionOf } from './testing.ts';

const widgets = '/apis/example.com/v1/namespaces/default/widgets';
const widget = (name: string, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  ...more,
});

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
