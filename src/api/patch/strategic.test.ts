import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScheme } from '../create-scheme.ts';
import { applyStrategicPatch } from './strategic.ts';

const scheme = createScheme(new Map());
const pod = scheme.byResource('', 'v1', 'pods')!.type;
const deployment = scheme.byResource('apps', 'v1', 'deployments')!.type;

const spec = (object: unknown) => (object as { spec: Record<string, unknown> }).spec;
const patchPod = (before: object, patch: object) => spec(applyStrategicPatch({ spec: before }, { spec: patch }, pod));

const cases: readonly [name: string, before: object, patch: object, after: object][] = [
  [
    'items of keyed lists are merged by their key, and new ones come first',
    { containers: [{ name: 'a', image: '1', tty: true }] },
    {
      containers: [
        { name: 'b', image: '2' },
        { name: 'a', image: '3' },
      ],
    },
    {
      containers: [
        { name: 'b', image: '2' },
        { name: 'a', image: '3', tty: true },
      ],
    },
  ],
  [
    'an item is deleted by its key',
    { containers: [{ name: 'a' }, { name: 'b' }] },
    { containers: [{ name: 'a', $patch: 'delete' }] },
    { containers: [{ name: 'b' }] },
  ],
  [
    'a keyed list is replaced',
    { containers: [{ name: 'a', tty: true }, { name: 'b' }] },
    { containers: [{ $patch: 'replace' }, { name: 'a', image: '1' }] },
    { containers: [{ name: 'a', image: '1' }] },
  ],
  [
    'lists without a strategy are replaced',
    { containers: [{ name: 'a', args: ['x', 'y'] }] },
    { containers: [{ name: 'a', args: ['z'] }] },
    { containers: [{ name: 'a', args: ['z'] }] },
  ],
  ['null deletes', { nodeName: 'n', hostname: 'h' }, { nodeName: null }, { hostname: 'h' }],
  [
    'a map is replaced',
    { nodeSelector: { a: '1' } },
    { nodeSelector: { $patch: 'replace', b: '2' } },
    { nodeSelector: { b: '2' } },
  ],
  ['a map is emptied', { nodeSelector: { a: '1' } }, { nodeSelector: { $patch: 'delete' } }, { nodeSelector: {} }],
  [
    'only what is retained stays',
    { volumes: [{ name: 'v', emptyDir: {} }] },
    { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] },
    { volumes: [{ name: 'v', hostPath: { path: '/x' } }] },
  ],
  [
    'an order is set',
    { containers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
    { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] },
    { containers: [{ name: 'b' }, { name: 'c' }, { name: 'a' }] },
  ],
];

for (const [name, before, patch, after] of cases) {
  test(name, () => {
    const copy = structuredClone(before);
    assert.deepEqual(patchPod(before, patch), after);
    assert.deepEqual(before, copy, 'the target is not changed');
  });
}

test('lists of scalars are united, and items are deleted from them', () => {
  const before = { metadata: { finalizers: ['a', 'b'] } };
  const added = applyStrategicPatch(before, { metadata: { finalizers: ['b', 'c'] } }, pod);
  assert.deepEqual(added, { metadata: { finalizers: ['a', 'b', 'c'] } });
  const gone = applyStrategicPatch(before, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, pod);
  assert.deepEqual(gone, { metadata: { finalizers: ['b'] } });
});

test('retained keys of a strategy keep what the patch names', () => {
  const before = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
  const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
  assert.deepEqual(applyStrategicPatch(before, patch, deployment), { spec: { strategy: { type: 'Recreate' } } });
});

const refused: readonly [patch: object, message: string][] = [
  [{ $patch: 'nope' }, 'unknown patch type: nope in map: map[$patch:nope]'],
  [{ containers: [{ image: 'x' }] }, 'map: map[image:x] does not contain declared merge key: name'],
  [{ containers: [{ $patch: 'merge', name: 'a' }] }, 'merging lists cannot yet be specified in the patch'],
  [{ $retainKeys: 5 }, 'invalid patch format of retainKeys'],
  [{ $retainKeys: ['a'], hostname: 'h' }, 'invalid patch format of retainKeys'],
  [{ '$setElementOrder/containers': 5 }, 'invalid patch format of setElementOrder list'],
  [{ '$deleteFromPrimitiveList/containers': 5 }, 'invalid patch format of primitive list'],
  [{ containers: [[]] }, 'lists of lists are not supported'],
  [{ containers: [1] }, 'expected a map, but received a int64'],
];

for (const [patch, message] of refused) {
  test(`${JSON.stringify(patch)} is refused: ${message}`, () => {
    assert.throws(() => patchPod({ containers: [{ name: 'a' }] }, patch), { name: 'PatchError', message });
  });
}

test('an empty patch changes nothing, and a second time the same patch neither', () => {
  const before = { containers: [{ name: 'a', env: [{ name: 'X', value: '1' }] }], tolerations: [{ key: 'k' }] };
  assert.deepEqual(patchPod(before, {}), before);
  const patch = { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }, { name: 'z' }], tolerations: [] };
  const once = patchPod(before, patch);
  assert.deepEqual(patchPod(once, patch), once);
});
