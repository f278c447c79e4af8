import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRules } from './rules.ts';
import type { Rule, Schema } from './schema.ts';

function rulesOf(spec: Schema): NonNullable<ReturnType<typeof compileRules>> {
  return compileRules({ type: 'object', properties: { spec } })!;
}

function withRule(rule: Rule | Rule[], more: Partial<Schema> = {}): Schema {
  return {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'integer' }, name: { type: 'string' } },
    'x-kubernetes-validations': Array.isArray(rule) ? rule : [rule],
    ...more,
  };
}

const cases: [string, Rule, unknown, unknown, string[]][] = [
  ['a rule that holds', { rule: 'self.a < self.b' }, { a: 1, b: 2 }, undefined, []],
  [
    'a rule without message',
    { rule: 'self.a < self.b' },
    { a: 2, b: 1 },
    undefined,
    ['FieldValueInvalid spec: Invalid value: failed rule: self.a < self.b'],
  ],
  [
    'a message, a reason and a path',
    { rule: 'self.a < self.b', message: ' a must be less ', reason: 'FieldValueForbidden', fieldPath: '.a' },
    { a: 2, b: 1 },
    undefined,
    ['FieldValueForbidden spec.a: Forbidden: a must be less'],
  ],
  [
    'a message that is computed',
    { rule: 'self.a < self.b', messageExpression: '"a is " + string(self.a)' },
    { a: 2, b: 1 },
    undefined,
    ['FieldValueInvalid spec: Invalid value: a is 2'],
  ],
  [
    'a message that cannot be computed',
    { rule: 'self.a < 1', messageExpression: 'string(self.b)', message: 'plain' },
    { a: 2 },
    undefined,
    ['FieldValueInvalid spec: Invalid value: plain'],
  ],
  [
    'a rule that fails to run',
    { rule: 'self.a < self.b' },
    { a: 2 },
    undefined,
    ['FieldValueInvalid spec: Invalid value: "object": no such key: b evaluating rule: self.a < self.b'],
  ],
  ['a transition that is not checked on create', { rule: 'self.a >= oldSelf.a' }, { a: 1 }, undefined, []],
  [
    'a transition',
    { rule: 'self.a >= oldSelf.a' },
    { a: 1 },
    { a: 2 },
    ['FieldValueInvalid spec: Invalid value: failed rule: self.a >= oldSelf.a'],
  ],
  [
    'an optional transition on create',
    { rule: 'oldSelf.hasValue()', optionalOldSelf: true },
    { a: 1 },
    undefined,
    ['FieldValueInvalid spec: Invalid value: failed rule: oldSelf.hasValue()'],
  ],
  ['an optional transition on update', { rule: 'oldSelf.hasValue()', optionalOldSelf: true }, { a: 1 }, { a: 2 }, []],
  [
    'a rule that does not compile',
    { rule: 'self.x' },
    { a: 1 },
    undefined,
    [
      'FieldValueInvalid spec: Invalid value: "object": rule compile error: compilation failed: ERROR: <input>:1:5: undefined field \'x\'\n | self.x\n | ....^',
    ],
  ],
];
for (const [name, rule, spec, old, expected] of cases) {
  test(`rules: ${name}`, () => {
    const { errors } = rulesOf(withRule(rule))({ spec }, old === undefined ? undefined : { spec: old });
    assert.deepEqual(
      errors.map(error => `${error.reason} ${error.field}: ${error.message}`),
      expected,
    );
  });
}

test('a rule that failed before is only a warning while the value is as it was', () => {
  const rules = rulesOf(withRule({ rule: 'self.a < 1' }));
  const { errors, warnings } = rules({ spec: { a: 5 } }, { spec: { a: 5 } });
  assert.deepEqual([errors, warnings], [[], ['spec: Invalid value: failed rule: self.a < 1']]);
  assert.equal(rules({ spec: { a: 6 } }, { spec: { a: 5 } }).errors.length, 1);
});

test('a scalar that breaks a rule is shown', () => {
  const a: Schema = { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 1' }] };
  const { errors } = rulesOf({ type: 'object', properties: { a } })({ spec: { a: 1 } }, undefined);
  assert.deepEqual(
    errors.map(error => error.message),
    ['Invalid value: 1: failed rule: self > 1'],
  );
});

test('items of map lists are compared with what they were, by their keys', () => {
  const items = withRule({ rule: 'self.a >= oldSelf.a' });
  const rules = rulesOf({
    type: 'object',
    properties: {
      list: { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
    },
  });
  const { errors } = rules(
    {
      spec: {
        list: [
          { name: 'y', a: 1 },
          { name: 'x', a: 1 },
        ],
      },
    },
    {
      spec: {
        list: [
          { name: 'x', a: 2 },
          { name: 'y', a: 1 },
        ],
      },
    },
  );
  assert.deepEqual(
    errors.map(error => error.field),
    ['spec.list[1]'],
  );
});

test('a rule at the root sees the names of metadata and has no path', () => {
  const rules = compileRules({ type: 'object', 'x-kubernetes-validations': [{ rule: 'self.metadata.name == "a"' }] })!;
  assert.deepEqual(rules({ metadata: { name: 'b' } }, undefined).errors, [
    {
      reason: 'FieldValueInvalid',
      field: '<nil>',
      message: 'Invalid value: failed rule: self.metadata.name == "a"',
    },
  ]);
});

test('a rule that costs too much ends the validation', () => {
  const list: Schema = {
    type: 'array',
    items: { type: 'integer' },
    'x-kubernetes-validations': [{ rule: 'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))' }, { rule: 'false' }],
  };
  const { errors } = rulesOf({ type: 'object', properties: { list } })(
    { spec: { list: new Array(200).fill(1) } },
    undefined,
  );
  assert.equal(errors.length, 1);
  assert.match(
    errors[0]!.message,
    /no further validation rules will be run due to call cost exceeds limit for rule: self\.all/,
  );
});
