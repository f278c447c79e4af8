/** Random schemas with random objects: what conforms passes and stays as it is; what is disturbed is found where it was disturbed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDefaulter } from './defaults.ts';
import { jsonEqual } from './equal.ts';
import { compileListCheck } from './list-types.ts';
import { pruneUnknown } from './prune.ts';
import { createRun, type Run } from './run.ts';
import type { Schema } from './schema.ts';
import { compileCheck } from './validate.ts';

type Dice = (sides: number) => number;

/** The same numbers for the same seed. */
function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return sides => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const names = ['a', 'b', 'spec', 'constructor', 'toString', 'x-y', 'long.name', 'été'];

function randomSchema(dice: Dice, depth: number): Schema {
  switch (dice(depth > 0 ? 9 : 5)) {
    case 0: {
      const minLength = dice(3);
      return {
        type: 'string',
        minLength,
        maxLength: minLength + 1 + dice(5),
        ...(dice(3) === 0 && { pattern: '^[a-z]*$' }),
      };
    }
    case 1: {
      const minimum = dice(10) - 5;
      return { type: 'integer', minimum, maximum: minimum + 2 + dice(9), ...(dice(4) === 0 && { nullable: true }) };
    }
    case 2:
      return { type: 'boolean' };
    case 3:
      return { type: 'string', enum: ['p', 'q', 'r'] };
    case 4:
      return { 'x-kubernetes-int-or-string': true };
    case 5:
      return randomList(dice, depth);
    case 6:
      return { type: 'object', additionalProperties: randomSchema(dice, depth - 1), maxProperties: 4 };
    default:
      return randomObjectSchema(dice, depth);
  }
}

function randomList(dice: Dice, depth: number): Schema {
  if (dice(3) > 0) return { type: 'array', items: randomSchema(dice, depth - 1), maxItems: 4 };
  const item = randomObjectSchema(dice, depth - 1);
  const key: Schema = { type: 'string', minLength: 1 };
  const items = { ...item, properties: { ...item.properties, key }, required: [...(item.required ?? []), 'key'] };
  return { type: 'array', items, maxItems: 4, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['key'] };
}

function randomObjectSchema(dice: Dice, depth: number): Schema {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const name of names) {
    if (dice(2) === 0) continue;
    const schema = randomSchema(dice, depth - 1);
    properties[name] = schema;
    if (dice(3) === 0) required.push(name);
    // In the object at once, so that filling in changes nothing.
    else if (dice(4) === 0) properties[name] = { ...schema, default: randomValue(dice, schema) };
  }
  return { type: 'object', properties, required };
}

/** A value that the schema takes, with all members that have defaults. */
function randomValue(dice: Dice, schema: Schema): unknown {
  if (schema.enum) return schema.enum[dice(schema.enum.length)];
  if (schema['x-kubernetes-int-or-string']) return dice(2) === 0 ? dice(100) : 'x';
  if (schema.nullable && dice(3) === 0) return null;
  switch (schema.type) {
    case 'string':
      return randomText(dice, (schema.minLength ?? 0) + dice((schema.maxLength ?? 5) - (schema.minLength ?? 0) + 1));
    case 'integer':
      return schema.minimum! + dice(schema.maximum! - schema.minimum! + 1);
    case 'boolean':
      return dice(2) === 0;
    case 'array':
      return Array.from({ length: dice(5) }, (_, index) => {
        const item = randomValue(dice, schema.items!);
        return schema['x-kubernetes-list-type'] ? { ...(item as object), key: `k${index}` } : item;
      });
    default:
      return randomObject(dice, schema);
  }
}

function randomText(dice: Dice, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(97 + dice(26))).join('');
}

function randomObject(dice: Dice, schema: Schema): Record<string, unknown> {
  const values = schema.additionalProperties;
  if (typeof values === 'object') {
    return Object.fromEntries(Array.from({ length: dice(4) }, (_, index) => [`m${index}`, randomValue(dice, values)]));
  }
  const kept = Object.entries(schema.properties ?? {}).filter(
    ([name, part]) => schema.required?.includes(name) || part.default !== undefined || dice(2) === 0,
  );
  return Object.fromEntries(kept.map(([name, part]) => [name, randomValue(dice, part)]));
}

interface Leaf {
  readonly path: string;
  readonly schema: Schema;
  set(value: unknown): void;
}

/** All places of an object whose value can be spoiled. */
function leavesOf(value: unknown, schema: Schema, path: string): Leaf[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      below(value, index, { schema: schema.items!, path: `${path}[${index}]`, item }),
    );
  }
  if (typeof value !== 'object' || value === null) return [];
  const object = value as Record<string, unknown>;
  return Object.entries(object).flatMap(([name, item]) => {
    const part =
      schema.properties && Object.hasOwn(schema.properties, name)
        ? schema.properties[name]!
        : (schema.additionalProperties as Schema);
    return below(object, name, { schema: part, path: path ? `${path}.${name}` : name, item });
  });
}

function below(
  parent: Record<string, unknown> | unknown[],
  step: string | number,
  { schema, path, item }: { schema: Schema; path: string; item: unknown },
): Leaf[] {
  const set = (value: unknown) => {
    (parent as Record<string | number, unknown>)[step] = value;
  };
  return [{ path, schema, set }, ...leavesOf(item, schema, path)];
}

/** A value that no schema of this kind takes. */
function wrongValue(dice: Dice, schema: Schema): unknown {
  if (schema.type === 'integer' && dice(2) === 0) return schema.maximum! + 1;
  if (schema.enum) return 'none of these';
  if (schema.maxLength !== undefined && dice(2) === 0) return 'x'.repeat(schema.maxLength + 1);
  if (schema.type === 'array') return {};
  return schema.type === 'object' ? 'text' : [[]];
}

function judge(schema: Schema, value: unknown, old?: unknown): Run {
  const run = createRun();
  compileCheck(schema)(value, old, run);
  if (old === undefined) compileListCheck(schema)?.(value, '', run);
  return run;
}

test('conforming objects pass and are left as they are', () => {
  for (let seed = 1; seed <= 400; seed++) {
    const dice = createDice(seed);
    const schema = randomObjectSchema(dice, 4);
    const value = randomObject(dice, schema);
    const before = structuredClone(value);
    assert.deepEqual(pruneUnknown(schema, value, { isRoot: false }), [], `seed ${seed}`);
    createDefaulter(schema)(value);
    assert.ok(jsonEqual(value, before), `seed ${seed}: ${JSON.stringify(before)} became ${JSON.stringify(value)}`);
    assert.deepEqual(judge(schema, value).errors, [], `seed ${seed}`);
  }
});

test('one wrong value is found where it stands, and let be when it was there before', () => {
  let spoiled = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const dice = createDice(seed);
    const schema = randomObjectSchema(dice, 4);
    const value = randomObject(dice, schema);
    const leaves = leavesOf(value, schema, '');
    const leaf = leaves[dice(leaves.length)];
    if (!leaf || leaf.path.endsWith('.key')) continue;
    leaf.set(wrongValue(dice, leaf.schema));
    spoiled++;
    const fields = judge(schema, value).errors.map(error => error.field);
    assert.ok(
      fields.some(field => field === leaf.path || field.startsWith(`${leaf.path}.`)),
      `seed ${seed}: ${leaf.path} not in ${fields.join(' ')}`,
    );
    assert.deepEqual(judge(schema, value, structuredClone(value)).errors, [], `seed ${seed}`);
  }
  assert.ok(spoiled > 200);
});

test('an unknown field is taken out, and nothing else', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const dice = createDice(seed);
    const schema = randomObjectSchema(dice, 4);
    const value = randomObject(dice, schema);
    const before = structuredClone(value);
    value['unknown'] = { a: 1 };
    assert.deepEqual(pruneUnknown(schema, value, { isRoot: false }), ['unknown']);
    assert.ok(jsonEqual(value, before));
  }
});

test('large objects and schemas take no long time', () => {
  const property: Schema = {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', pattern: '^[a-z0-9-]+$', maxLength: 63 },
      n: { type: 'integer', minimum: 0 },
    },
  };
  const schema: Schema = {
    type: 'object',
    properties: Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`p${index}`, property])),
  };
  const value = Object.fromEntries(
    Array.from({ length: 70 }, (_, index) => [`p${index}`, { name: `name-${index}`, n: index }]),
  );
  const check = compileCheck(schema);
  const started = process.hrtime.bigint();
  for (let count = 0; count < 200; count++) check(value, undefined, createRun());
  const took = Number(process.hrtime.bigint() - started) / 1e6 / 200;
  // The aim is 0.2 ms; the bound only catches an order of magnitude.
  assert.ok(took < 5, `one check took ${took} ms`);
  if (process.env['SHOW_TIMES'])
    process.stdout.write(`check: ${took.toFixed(3)} ms of ${JSON.stringify(value).length} bytes\n`);
});
