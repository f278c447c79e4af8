/**
 * What the behaviours make of objects: testdata/<group>.input.yaml is a list of cases, <group>.output.yaml what comes out. `UPDATE=1` rewrites the
 * outputs; review the difference against upstream.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { FieldError, KindBehaviour } from '../kind.ts';
import type { UnknownObject } from '../resource.ts';
import { behaviours, validateMetadata } from './index.ts';

interface Case {
  case: string;
  kind: string;
  object: Partial<UnknownObject>;
  /** Set after creation, for the row. */
  status?: unknown;
  /** Members that an update sets (null removes). */
  change?: Record<string, unknown>;
  /** Which part is written by the update; the main resource without. */
  subresource?: string;
}

const createdAt = '2030-01-01T00:00:00Z';
const nowMs = Date.parse('2030-01-01T00:10:00Z');
const directory = join(import.meta.dirname, 'testdata');
const resources = JSON.parse(readFileSync(join(import.meta.dirname, '../tables/resources.json'), 'utf8')) as Record<
  string,
  { namespaced: boolean; kind: string }
>;

const inputs = readdirSync(directory).filter(name => name.endsWith('.input.yaml'));
const casesOf = (name: string) => parse(readFileSync(join(directory, name), 'utf8')) as Case[];

for (const name of inputs) {
  const group = name.replace('.input.yaml', '');
  test(`objects of ${group} come out as ${group}.output.yaml says`, () => {
    const output = stringify(casesOf(name).map(run), { lineWidth: 150 });
    const path = join(directory, `${group}.output.yaml`);
    if (process.env.UPDATE || !existsSync(path)) writeFileSync(path, output);
    assert.equal(output, readFileSync(path, 'utf8'));
  });
}

test('every kind has a case that is fine and one that is not', () => {
  const good = new Set<string>();
  const bad = new Set<string>();
  for (const item of inputs.flatMap(casesOf)) {
    const result = run(item);
    if ('object' in result) good.add(item.kind);
    if ('errors' in result || result.update?.errors) bad.add(item.kind);
  }
  const without = [...behaviours].filter(([, kind]) => kind.validateCreate === undefined).map(([key]) => key);
  assert.deepEqual(
    [...behaviours.keys()].filter(key => !good.has(key)),
    [],
    'no case that is accepted',
  );
  assert.deepEqual(
    [...behaviours.keys()].filter(key => !bad.has(key) && !without.includes(key) && !ruleless.has(key)),
    [],
  );
});

/** Kinds of which upstream, too, checks nothing but the metadata. */
const ruleless: ReadonlySet<string> = new Set(['v1/serviceaccounts']);

function run(item: Case) {
  const behaviour = behaviours.get(item.kind);
  assert.ok(behaviour, `no behaviour of ${item.kind}`);
  const object = structuredClone({ metadata: { name: 'x' }, ...item.object }) as UnknownObject;
  object.metadata = { uid: 'u-1', creationTimestamp: createdAt, ...object.metadata, name: object.metadata.name ?? 'x' };
  if (resources[item.kind]?.namespaced) object.metadata.namespace ??= 'shop';
  const errors = create(behaviour, object, resources[item.kind]!.namespaced);
  if (errors.length > 0) return { case: item.case, errors };
  const warnings = behaviour.warnings?.(object, undefined) ?? [];
  const created = item.change ? structuredClone(object) : object;
  if (item.status) created.status = item.status;
  const row = rowOf(behaviour, created);
  const { uid, creationTimestamp, ...metadata } = object.metadata;
  return {
    case: item.case,
    object: { ...object, metadata },
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(row ? { row } : {}),
    ...(item.change ? { update: update(behaviour, created, item) } : {}),
  };
}

function create(behaviour: KindBehaviour<UnknownObject>, object: UnknownObject, namespaced: boolean): string[] {
  behaviour.defaults?.(object);
  behaviour.prepareCreate?.(object, { nowMs });
  const metadata = validateMetadata(object.metadata, { namespaced, nameRule: behaviour.nameRule });
  return format([...metadata, ...(behaviour.validateCreate?.(object) ?? [])]);
}

function update(behaviour: KindBehaviour<UnknownObject>, old: UnknownObject, { change, subresource }: Case) {
  const draft = merge(structuredClone(old), change) as UnknownObject;
  behaviour.defaults?.(draft);
  if (subresource) behaviour.prepareSubresource?.(draft, old, subresource, { nowMs });
  else behaviour.prepareUpdate?.(draft, old, { nowMs });
  const errors = subresource
    ? behaviour.validateSubresource?.(draft, old, subresource)
    : behaviour.validateUpdate?.(draft, old);
  if (errors?.length) return { errors: format(errors) };
  const changed = Object.keys(draft).filter(key => JSON.stringify(draft[key]) !== JSON.stringify(old[key]));
  return { generation: draft.metadata.generation ?? 0, changed };
}

function format(errors: readonly FieldError[]): string[] {
  return errors.map(error => `${error.field}: ${error.message} (${error.reason})`);
}

function rowOf(behaviour: KindBehaviour<UnknownObject>, object: UnknownObject): Record<string, unknown> | undefined {
  if (!behaviour.columns) return undefined;
  return Object.fromEntries(
    behaviour.columns.map(column => [
      column.priority ? `${column.name} (wide)` : column.name,
      column.value(object, nowMs),
    ]),
  );
}

/** JSON merge patch. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result = (typeof target === 'object' && target !== null ? target : {}) as Record<string, unknown>;
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}
