import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { openSqliteStore } from '#store';
import { startTestApiServer } from '../testing.ts';
import {
  define,
  definitionOf,
  definitionsPath,
  isTrue,
  scaled,
  untilDefinition,
  untilGone,
  widget,
  widgets,
} from './testing.ts';

test('a deletion that a stopped server began is ended by the next', async () => {
  const [clock, log] = [createSystemClock(), createRecordingLog()];
  await using store = await openSqliteStore({ path: ':memory:', clock, log });
  {
    await using api = await startTestApiServer({ store });
    await define(api, definitionOf());
    const metadata = { name: 'held', finalizers: ['example.com/wait'] };
    await api.call('POST', widgets, { body: widget('held', { metadata }) });
    await api.call('DELETE', `${definitionsPath}/widgets.example.com`);
    using watch = api.watch(`${widgets}?watch=true`);
    while (!(await watch.next()).object.metadata.deletionTimestamp);
  }
  await using api = await startTestApiServer({ store });
  assert.equal((await api.call('POST', widgets, { body: widget('new') })).status, 405);
  const merge = { 'content-type': 'application/merge-patch+json' };
  await api.call('PATCH', `${widgets}/held`, { body: { metadata: { finalizers: null } }, headers: merge });
  await untilGone(api, 'widgets.example.com');
});

test('a watch ends when the schema changes, and goes on where it was', async () => {
  await using api = await startTestApiServer();
  await define(api, definitionOf({ versions: [scaled] }));
  const made = (await api.call('POST', widgets, { body: widget('a') })).json;
  using before = api.watch(`${widgets}?watch=true&resourceVersion=${made.metadata.resourceVersion}`);
  await api.call('POST', widgets, { body: widget('b') });
  assert.equal((await before.next()).object.metadata.name, 'b');
  const path = `${definitionsPath}/widgets.example.com`;
  const headers = { 'content-type': 'application/json-patch+json' };
  const value = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/color/default';
  const patched = await api.call('PATCH', path, { body: [{ op: 'replace', path: value, value: 'blue' }], headers });
  assert.equal(patched.status, 200, patched.text);
  await before.ended;
  using after = api.watch(`${widgets}?watch=true&resourceVersion=${made.metadata.resourceVersion}`);
  assert.equal((await after.next()).object.metadata.name, 'b');
  await api.call('POST', widgets, { body: widget('c', { spec: {} }) });
  assert.equal((await after.next()).object.spec.color, 'blue');
});

test('two servers on one store know the same kinds', async () => {
  const [clock, log] = [createSystemClock(), createRecordingLog()];
  await using store = await openSqliteStore({ path: ':memory:', clock, log });
  await using one = await startTestApiServer({ store });
  await using other = await startTestApiServer({ store });
  await define(one, definitionOf());
  await untilDefinition(other, 'widgets.example.com', ({ status }) => isTrue(status, 'Established'));
  assert.equal((await other.call('POST', widgets, { body: widget('a') })).status, 201);
  await other.call('DELETE', `${definitionsPath}/widgets.example.com`);
  await untilGone(one, 'widgets.example.com');
  await untilGone(other, 'widgets.example.com');
  assert.deepEqual([(await one.call('GET', widgets)).status, (await other.call('GET', widgets)).status], [404, 404]);
});
