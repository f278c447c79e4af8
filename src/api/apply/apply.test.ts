import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScheme } from '../create-scheme.ts';
import { createFieldManager } from './apply.ts';

const scheme = createScheme(new Map());
const type = scheme.byResource('apps', 'v1', 'deployments')!.type;
const fields = createFieldManager();

type Fields = Record<string, unknown>;
const manager = (name: string, nowMs = 0) => ({ name, apiVersion: 'apps/v1', subresource: '', nowMs });
const deployment = (spec: Fields, metadata: Fields = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', ...metadata },
  spec,
});
const containers = (...list: Fields[]) => ({ template: { spec: { containers: list } } });

function apply(
  live: object | undefined,
  applied: object,
  name: string,
  force = false,
): Fields & { spec: Fields; metadata: { managedFields: Fields[] } } {
  const result = fields.apply(live, applied, { type, manager: manager(name), force });
  assert.ok('object' in result, `conflicts: ${JSON.stringify(result)}`);
  return result.object as never;
}

function conflictsOf(live: object, applied: object, name: string): string[] {
  const result = fields.apply(live, applied, { type, manager: manager(name), force: false });
  assert.ok('conflicts' in result);
  return result.conflicts.map(conflict => `${conflict.manager} ${conflict.field}`);
}

test('applying to nothing creates, and owns exactly what was applied', () => {
  const live = apply(undefined, deployment({ replicas: 1 }), 'a');
  assert.deepEqual(live.spec, { replicas: 1 });
  assert.deepEqual(live.metadata.managedFields[0]!['fieldsV1'], { 'f:spec': { 'f:replicas': {} } });
});

test('applying the same again changes nothing at all', () => {
  const live = apply(undefined, deployment({ replicas: 1, ...containers({ name: 'c', image: 'i' }) }), 'a');
  assert.deepEqual(apply(live, deployment({ replicas: 1, ...containers({ name: 'c', image: 'i' }) }), 'a'), live);
});

test('another manager with another value conflicts, with force takes over, and with the same value shares', () => {
  const live = apply(undefined, deployment({ replicas: 1 }), 'a');
  assert.deepEqual(conflictsOf(live, deployment({ replicas: 2 }), 'b'), ['a .spec.replicas']);
  const forced = apply(live, deployment({ replicas: 2 }), 'b', true);
  assert.deepEqual(
    forced.metadata.managedFields.map(entry => entry['manager']),
    ['b'],
  );
  const shared = apply(live, deployment({ replicas: 1 }), 'b');
  assert.deepEqual(shared.metadata.managedFields.map(entry => entry['manager']).sort(), ['a', 'b']);
});

test('what a manager no longer applies goes, unless another owns it too', () => {
  const one = apply(undefined, deployment({ replicas: 1, paused: true }), 'a');
  const gone = apply(one, deployment({ replicas: 1 }), 'a');
  assert.deepEqual(gone.spec, { replicas: 1 });
  const shared = apply(one, deployment({ paused: true }), 'b');
  assert.deepEqual(apply(shared, deployment({ replicas: 1 }), 'a').spec, { replicas: 1, paused: true });
});

test('items of keyed lists are owned one by one, by keys with their defaults', () => {
  const one = apply(undefined, deployment(containers({ name: 'c', image: 'i', ports: [{ containerPort: 80 }] })), 'a');
  const two = apply(one, deployment(containers({ name: 'side', image: 's' })), 'b');
  const list = (object: Fields) =>
    (object['spec'] as { template: { spec: { containers: Fields[] } } }).template.spec.containers;
  assert.deepEqual(
    list(two)
      .map(item => item['name'])
      .sort(),
    ['c', 'side'],
  );
  const withProtocol = apply(
    two,
    deployment(containers({ name: 'c', image: 'i', ports: [{ containerPort: 80, protocol: 'TCP' }] })),
    'a',
  );
  assert.equal((list(withProtocol).find(item => item['name'] === 'c')!['ports'] as unknown[]).length, 1);
  const removed = apply(two, deployment({}), 'b');
  assert.deepEqual(
    list(removed).map(item => item['name']),
    ['c'],
  );
});

test('an update owns what it changed, and takes it from whom it had', () => {
  const before = apply(undefined, deployment({ replicas: 1, paused: true }), 'a');
  const after = structuredClone(before);
  after.spec = { ...after.spec, replicas: 5 };
  fields.update(before, after, { type, manager: manager('kubectl-scale') });
  const byName = Object.fromEntries(after.metadata.managedFields.map(entry => [entry['manager'], entry['fieldsV1']]));
  assert.deepEqual(byName, {
    a: { 'f:spec': { 'f:paused': {} } },
    'kubectl-scale': { 'f:spec': { 'f:replicas': {} } },
  });
  assert.deepEqual(conflictsOf(after, deployment({ replicas: 1 }), 'a'), ['kubectl-scale .spec.replicas']);
});

test('an update that changes nothing leaves managedFields as they are', () => {
  const before = apply(undefined, deployment({ replicas: 1 }), 'a');
  const after = structuredClone(before);
  fields.update(before, after, { type, manager: manager('b') });
  assert.deepEqual(after, before);
});

test('an empty list starts over', () => {
  const before = apply(undefined, deployment({ replicas: 1 }), 'a');
  const after = { ...structuredClone(before), metadata: { ...before.metadata, managedFields: [] } };
  fields.update(before, after, { type, manager: manager('b') });
  assert.equal('managedFields' in after.metadata, false);
});

test('labels are owned key by key, and conflicts name them', () => {
  const one = apply(undefined, deployment({}, { labels: { x: '1' } }), 'a');
  const two = apply(one, deployment({}, { labels: { y: '2' } }), 'b');
  assert.deepEqual((two['metadata'] as Fields)['labels'], { x: '1', y: '2' });
  assert.deepEqual(conflictsOf(two, deployment({}, { labels: { y: '3' } }), 'a'), ['b .metadata.labels.y']);
});

test('more than ten updaters are joined', () => {
  let live: Fields & { metadata: Fields } = deployment({ replicas: 0 }) as never;
  fields.update(undefined, live, { type, manager: manager('m0', 0) });
  for (let index = 1; index < 15; index++) {
    const after = structuredClone(live);
    (after['metadata'] as Fields)['annotations'] = {
      ...((live.metadata['annotations'] as Fields) ?? {}),
      [`n${index}`]: 'x',
    };
    fields.update(live, after, { type, manager: manager(`m${index}`, index * 1000) });
    live = after;
  }
  const names = (live.metadata['managedFields'] as Fields[]).map(entry => entry['manager']);
  assert.equal(names.length, 10);
  assert.ok(names.includes('ancient-changes'));
});
