import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authorizerValue, CelError, compileCel, isCostExceeded, lazyValue, toJson } from './index.ts';
import { run } from './testing-cel.ts';
import {
  authorizerType,
  dynType,
  intType,
  listType,
  mapType,
  objectType,
  openObjectType,
  optionalType,
  stringType,
} from './types.ts';

describe('evaluation', () => {
  it('reads data by declared types and never copies it', () => {
    const self = objectType(
      'selfType',
      new Map([
        ['n', { type: intType, optional: true }],
        ['items', { type: listType(stringType), optional: true }],
        ['labels', { type: mapType(stringType, stringType), optional: true }],
      ]),
    );
    const value = { n: 3, items: ['a'], labels: { k: 'v' }, hidden: 1 };
    assert.equal(
      run('self.n == 3 && self.items[0] == "a" && self.labels["k"] == "v"', { self }, { self: value }),
      true,
    );
    assert.equal(run('self.n', { self }, { self: { n: '3' } }), '! invalid data, expected int, got string');
    assert.equal(run('has(self.n)', { self }, { self: { n: null } }), false);
    assert.equal(run('self.n', { self }, { self: {} }), '! no such key: n');
    const same = compileCel('self', { variables: { self } }).evaluate({ self: value });
    assert.deepEqual(toJson(same.value), value);
  });

  it('asks for lazy values once, at their first use', () => {
    let made = 0;
    const program = compileCel('false && variables.x == 1 || variables.y + variables.y == 4', {
      variables: { variables: mapType(stringType, dynType) },
    });
    const y = lazyValue(() => {
      made++;
      return 2;
    });
    const x = lazyValue(() => assert.fail('not needed'));
    assert.equal(program.evaluate({ variables: { x, y } }).value, true);
    assert.equal(made, 1);
  });

  it('takes undefined as none of an optional variable', () => {
    const types = { oldSelf: optionalType(intType) };
    assert.equal(run('oldSelf.orValue(7)', types), 7);
    assert.equal(run('oldSelf.orValue(7)', types, { oldSelf: 1 }), 1);
  });

  it('compares sets and map lists without order and merges them', () => {
    const set = { ...listType(stringType), listType: 'set' as const };
    assert.equal(run('a == b', { a: set, b: set }, { a: ['x', 'y'], b: ['y', 'x'] }), true);
    assert.deepEqual(run('a + b', { a: set, b: set }, { a: ['x', 'y'], b: ['y', 'z'] }), ['x', 'y', 'z']);
    const keyed = { ...listType(dynType), listType: 'map' as const, listMapKeys: ['k'] };
    const a = [
      { k: 1, v: 1 },
      { k: 2, v: 2 },
    ];
    assert.equal(run('a == b', { a: keyed, b: keyed }, { a, b: [a[1], a[0]] }), true);
    assert.deepEqual(run('a + b', { a: keyed, b: keyed }, { a, b: [{ k: 1, v: 9 }] }), [
      { k: 1, v: 9 },
      { k: 2, v: 2 },
    ]);
  });

  it('makes messages for mutations', () => {
    const types = [openObjectType('Object')];
    const expression = 'Object{spec: Object.spec{replicas: 3, ?paused: optional.none()}}';
    const program = compileCel(expression, { variables: {}, types });
    assert.deepEqual(toJson(program.evaluate({}).value), { spec: { replicas: 3 } });
    const wrong = compileCel('Object{spec: Object.status{}}', { variables: {}, types });
    assert.throws(() => wrong.evaluate({}), /unexpected type name "Object.status"/);
    const patch = objectType(
      'JSONPatch',
      new Map(['op', 'path'].map(name => [name, { type: stringType, optional: true }])),
    );
    const list = compileCel('[JSONPatch{op: "add", path: "/a/" + jsonpatch.escapeKey("b/c")}]', {
      variables: {},
      types: [patch],
    });
    assert.deepEqual(toJson(list.evaluate({}).value), [{ op: 'add', path: '/a/b~1c' }]);
    assert.throws(() => compileCel('JSONPatch{nope: 1}', { variables: {}, types: [patch] }), /undefined field 'nope'/);
  });

  it('asks the authorizer', () => {
    const asked: unknown[] = [];
    const authorizer = authorizerValue(attributes => {
      asked.push(attributes);
      return { allowed: attributes.kind === 'path', reason: 'because' };
    });
    const check = (expression: string): unknown => run(expression, { authorizer: authorizerType }, { authorizer });
    assert.equal(check('authorizer.path("/x").check("get").allowed()'), true);
    const resource =
      'authorizer.serviceAccount("ns", "sa").group("apps").resource("deployments").subresource("scale").namespace("n").name("d")';
    assert.equal(check(`${resource}.fieldSelector("a=b").check("update").reason()`), 'because');
    assert.deepEqual(asked[1], {
      kind: 'resource',
      verb: 'update',
      group: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'n',
      name: 'd',
      fieldSelector: 'a=b',
      labelSelector: '',
      serviceAccount: { namespace: 'ns', name: 'sa' },
    });
    assert.equal(check('authorizer.path(" ").check("get").allowed()'), '! path must not be empty');
  });

  it('ends when the budget is spent, and no || hides that', () => {
    const items = Array.from({ length: 1000 }, (_, index) => index);
    const program = compileCel('self.all(a, self.all(b, a + b >= 0)) || true', {
      variables: { self: listType(intType) },
    });
    let caught: unknown;
    try {
      program.evaluate({ self: items }, { costLimit: 5000 });
    } catch (error) {
      caught = error;
    }
    assert.ok(caught instanceof CelError && isCostExceeded(caught));
    assert.equal(caught.message, 'operation cancelled: actual cost limit exceeded');
    assert.ok(caught.cost > 5000 && caught.cost < 5010);
  });

  it('ends when work that costs nothing is beyond measure', () => {
    const program = compileCel('self.all(i, text.size() > 0)', {
      variables: { self: listType(intType), text: stringType },
    });
    const values = { self: Array.from({ length: 100_000 }, () => 1), text: 'é'.repeat(100_000) };
    assert.throws(() => program.evaluate(values), { code: 'costExceeded' });
  });

  it('names the variables that it mentions', () => {
    const program = compileCel('self > 1 && [1].all(x, x > 0)', { variables: { self: intType, oldSelf: intType } });
    assert.deepEqual([...program.references], ['self']);
  });
});
