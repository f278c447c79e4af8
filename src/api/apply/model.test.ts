import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScheme } from '../create-scheme.ts';
import { createFieldManager } from './apply.ts';
import { type FieldSet, formatPath, pathsOf } from './field-set.ts';

/**
 * A second, slow implementation of server-side apply, over a flat list of paths, is led through the same random applies as the real one. Both must agree on
 * conflicts, on the object and on who owns what.
 */

type Fields = Record<string, unknown>;

/** What a manager wants, in few words. */
interface Wish {
  replicas?: number;
  paused?: boolean;
  labels: Record<string, string>;
  finalizers: string[];
  containers: Record<string, { image?: string; args?: string[]; env: Record<string, string> }>;
}

const type = createScheme(new Map()).byResource('apps', 'v1', 'deployments')!.type;

function toObject(wish: Wish): Fields {
  const containers = Object.entries(wish.containers).map(([name, { image, args, env }]) => ({
    name,
    ...(image !== undefined && { image }),
    ...(args && { args }),
    ...(Object.keys(env).length > 0 && { env: Object.entries(env).map(([key, value]) => ({ name: key, value })) }),
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      ...(Object.keys(wish.labels).length > 0 && { labels: wish.labels }),
      ...(wish.finalizers.length > 0 && { finalizers: wish.finalizers }),
    },
    ...((wish.replicas !== undefined || wish.paused !== undefined || containers.length > 0) && {
      spec: {
        ...(wish.replicas !== undefined && { replicas: wish.replicas }),
        ...(wish.paused !== undefined && { paused: wish.paused }),
        ...(containers.length > 0 && { template: { spec: { containers } } }),
      },
    }),
  };
}

type Flat = Map<string, unknown>;

/** Paths of all that is set, with the values of leaves; items of lists stand for themselves, too. */
function flatten(object: Fields): Flat {
  const flat: Flat = new Map();
  const { metadata, spec } = object as { metadata: Fields; spec?: Fields };
  for (const [key, value] of Object.entries((metadata['labels'] as Fields) ?? {}))
    flat.set(`.metadata.labels.${key}`, value);
  for (const name of (metadata['finalizers'] as string[]) ?? []) flat.set(`.metadata.finalizers[="${name}"]`, name);
  if (spec?.['replicas'] !== undefined) flat.set('.spec.replicas', spec['replicas']);
  if (spec?.['paused'] !== undefined) flat.set('.spec.paused', spec['paused']);
  const template = spec?.['template'] as { spec?: { containers?: Fields[] } } | undefined;
  for (const container of template?.spec?.containers ?? []) {
    const at = `.spec.template.spec.containers[name="${container['name']}"]`;
    flat.set(at, undefined).set(`${at}.name`, container['name']);
    if (container['image'] !== undefined) flat.set(`${at}.image`, container['image']);
    if (container['args'] !== undefined) flat.set(`${at}.args`, JSON.stringify(container['args']));
    for (const { name, value } of (container['env'] as Fields[]) ?? []) {
      const env = `${at}.env[name="${name}"]`;
      flat.set(env, undefined).set(`${env}.name`, name);
      if (value !== undefined) flat.set(`${env}.value`, value);
    }
  }
  return flat;
}

class Model {
  live: Flat = new Map();
  owners = new Map<string, Set<string>>();

  conflicts(manager: string, wanted: Flat): string[] {
    const differs = (path: string) => wanted.has(path) && wanted.get(path) !== this.live.get(path);
    return [...this.owners]
      .filter(([name]) => name !== manager)
      .flatMap(([name, paths]) => [...paths].filter(differs).map(path => `${name} ${path}`))
      .sort();
  }

  apply(manager: string, wanted: Flat): void {
    for (const conflict of this.conflicts(manager, wanted)) {
      const [name = '', path = ''] = conflict.split(/ (.*)/);
      this.owners.get(name)!.delete(path);
    }
    const before = this.owners.get(manager) ?? new Set();
    this.owners.set(manager, new Set(wanted.keys()));
    for (const [path, value] of wanted) this.live.set(path, value);
    for (const path of before) if (!this.#isOwned(path)) this.#remove(path);
    for (const [name, paths] of this.owners) if (paths.size === 0) this.owners.delete(name);
  }

  #isOwned(path: string): boolean {
    return [...this.owners.values()].some(paths => paths.has(path));
  }

  #remove(gone: string): void {
    for (const path of [...this.live.keys()]) {
      if (path !== gone && !path.startsWith(`${gone}.`) && !path.startsWith(`${gone}[`)) continue;
      this.live.delete(path);
      for (const paths of this.owners.values()) paths.delete(path);
    }
  }
}

/** mulberry32: the same numbers for the same seed. */
function createNumbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Numbers = ReturnType<typeof createNumbers>;

function pickSome<T>(number: Numbers, from: readonly T[]): T[] {
  const some = from.filter(() => number(2) === 0);
  return number(2) === 0 ? some : some.reverse();
}

/** `suffix` keeps the wishes of two managers apart. */
function randomWish(number: Numbers, suffix = ''): Wish {
  const value = () => `v${number(2)}`;
  const names = (list: string[]) => pickSome(number, list).map(name => name + suffix);
  return {
    ...(suffix === '' && number(2) === 0 && { replicas: number(2) }),
    ...(suffix === '' && number(3) === 0 && { paused: number(2) === 0 }),
    labels: Object.fromEntries(names(['x', 'y', 'z']).map(name => [name, value()])),
    finalizers: names(['a.io/f', 'b.io/f']),
    containers: Object.fromEntries(
      names(['one', 'two', 'three']).map(name => [
        name,
        {
          ...(number(2) === 0 && { image: value() }),
          ...(number(3) === 0 && { args: [value(), value()] }),
          env: Object.fromEntries(pickSome(number, ['A', 'B', 'C']).map(key => [key, value()])),
        },
      ]),
    ),
  };
}

const fields = createFieldManager();
const managerOf = (name: string) => ({ name, apiVersion: 'apps/v1', subresource: '', nowMs: 0 });

function ownersOf(object: Fields): Record<string, string[]> {
  const { managedFields = [] } = object['metadata'] as { managedFields?: { manager: string; fieldsV1: FieldSet }[] };
  return Object.fromEntries(
    managedFields.map(({ manager, fieldsV1 }) => [manager, pathsOf(fieldsV1).map(formatPath).sort()]),
  );
}

function sorted(flat: Flat): [string, unknown][] {
  return [...flat].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('the real thing and a slow model agree on conflicts, objects and owners', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const number = createNumbers(seed);
    const model = new Model();
    let live: Fields | undefined;
    for (let step = 0; step < 12; step++) {
      const name = `m${number(3)}`;
      const wish = toObject(randomWish(number));
      const about = `seed ${seed}, step ${step}`;
      const wanted = flatten(wish);
      const options = { type, manager: managerOf(name) };
      const result = fields.apply(live, wish, { ...options, force: false });
      const conflicts =
        'conflicts' in result ? result.conflicts.map(({ manager, field }) => `${manager} ${field}`) : [];
      assert.deepEqual(conflicts.sort(), model.conflicts(name, wanted), about);
      if (conflicts.length > 0 && number(2) === 0) continue;
      const forced = fields.apply(live, wish, { ...options, force: true });
      assert.ok('object' in forced);
      model.apply(name, wanted);
      live = forced.object;
      assert.deepEqual(sorted(flatten(live)), sorted(model.live), about);
      const owners = Object.fromEntries([...model.owners].map(([manager, paths]) => [manager, [...paths].sort()]));
      assert.deepEqual(ownersOf(live), owners, about);
      const again = fields.apply(live, wish, { ...options, force: false });
      assert.ok('object' in again);
      assert.deepEqual(again.object, live, `${about}: applied again`);
    }
  }
});

test('managers of disjoint fields may come in any order', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const number = createNumbers(seed);
    const steps = ['a', 'b', 'c'].map(name => ({ name, wish: toObject(randomWish(number, `-${name}`)) }));
    const results = [steps, [...steps].reverse()].map(order =>
      order.reduce<Fields | undefined>((live, { name, wish }) => {
        const result = fields.apply(live, wish, { type, manager: managerOf(name), force: false });
        assert.ok('object' in result, `seed ${seed}`);
        return result.object;
      }, undefined),
    );
    const [one, two] = results as [Fields, Fields];
    assert.deepEqual(sorted(flatten(one)), sorted(flatten(two)), `seed ${seed}`);
    assert.deepEqual(ownersOf(one), ownersOf(two), `seed ${seed}`);
  }
});

test('an update takes what it changed from whoever had it, and nothing else', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const number = createNumbers(seed);
    const applied = fields.apply(undefined, toObject(randomWish(number)), {
      type,
      manager: managerOf('a'),
      force: false,
    });
    assert.ok('object' in applied);
    const before = applied.object;
    const after = toObject(randomWish(number));
    fields.update(before, after, { type, manager: managerOf('u') });
    const [was, is] = [flatten(before), flatten(after)];
    const owners = ownersOf(after);
    const stays = [...was].filter(([path, value]) => is.has(path) && is.get(path) === value).map(([path]) => path);
    assert.deepEqual(owners['a'] ?? [], stays.sort(), `seed ${seed}`);
    const taken = [...is].filter(([path, value]) => !was.has(path) || was.get(path) !== value).map(([path]) => path);
    for (const path of taken) assert.ok(owners['u']?.includes(path), `seed ${seed}: ${path}`);
    for (const path of stays) assert.ok(!owners['u']?.includes(path), `seed ${seed}: ${path}`);
  }
});
