/** What upstream demands of many kinds in the same words: found in discovery, and every verb works, on the object and on its status. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import type { World } from '../suite.ts';
import { eventually } from '../suite.ts';

export interface OperationsOptions {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** The collection's path, for kinds in namespaces; default that of a cluster-wide kind. */
  readonly path?: string;
  readonly object: (name: string) => Json;
  /** What PUT changes in the spec; default an annotation only. */
  readonly change?: (object: Json) => void;
  /** What to write into the status, by patch and by update; absent: the kind has none. */
  readonly status?: (note: string) => Json;
  readonly subresources?: readonly string[];
}

/** The group, its version and the resource must be in the documents that a client walks through. */
export async function checkDiscovery(world: World, options: OperationsOptions): Promise<void> {
  const { group, version, resource, status, subresources = [] } = options;
  const { groups } = await world.api.get('/apis');
  const listed = groups.find((one: Json) => one.name === group);
  assert.ok(
    listed?.versions.some((one: Json) => one.version === version),
    `${group}/${version} in /apis`,
  );
  const own = await world.api.get(`/apis/${group}`);
  assert.ok(
    own.versions.some((one: Json) => one.version === version),
    `${version} in /apis/${group}`,
  );
  const { resources } = await world.api.get(`/apis/${group}/${version}`);
  const names = resources.map((one: Json) => one.name);
  for (const name of [
    resource,
    ...(status ? [`${resource}/status`] : []),
    ...subresources.map(sub => `${resource}/${sub}`),
  ]) {
    assert.ok(names.includes(name), `${name} in ${names}`);
  }
}

/** Create, get, list, watch, patch, update, delete, delete of a collection; then the same on status. */
export async function checkOperations(world: World, options: OperationsOptions): Promise<void> {
  const { api } = world;
  await checkDiscovery(world, options);
  const path = options.path ?? `/apis/${options.group}/${options.version}/${options.resource}`;
  const label = world.unique('special');
  const selector = `labelSelector=${encodeURIComponent(`special=${label}`)}`;
  const make = async (name: string) => {
    const body = options.object(world.unique(name));
    body.metadata.labels = { ...body.metadata.labels, special: label };
    return (await api.create(path, body)).metadata.name as string;
  };
  world.cleanUp(() => api.delete(`${path}?${selector}`));
  const name = await make('first');
  const others = [await make('second'), await make('third')];
  const taken = await api.send({ method: 'POST', path, body: options.object(name) });
  assert.deepEqual([taken.status, taken.body.reason], [409, 'AlreadyExists']);

  assert.equal((await api.get(`${path}/${name}`)).metadata.name, name);
  const list = await api.get(`${path}?${selector}`);
  assert.deepEqual(list.items.map((item: Json) => item.metadata.name).sort(), [name, ...others].sort());
  using watch = await api.watch(`${path}?resourceVersion=${list.metadata.resourceVersion}&${selector}`);
  const seen = (type: string, note?: string) =>
    watch.next(event => event.type === type && event.object.metadata.annotations?.note === note);

  const patched = await api.patch(`${path}/${name}`, { metadata: { annotations: { note: 'patched' } } });
  assert.equal(patched.metadata.annotations.note, 'patched');
  await seen('MODIFIED', 'patched');
  const updated = await api.change(`${path}/${name}`, object => {
    object.metadata.annotations.note = 'updated';
    options.change?.(object);
  });
  assert.equal(updated.metadata.annotations.note, 'updated');
  await seen('MODIFIED', 'updated');
  if (options.status) await checkStatus(world, `${path}/${name}`, options.status);

  await api.delete(`${path}/${name}`);
  await seen('DELETED', 'updated');
  await eventually('it is gone', async () => (await api.send({ path: `${path}/${name}` })).status === 404);
  assert.equal((await api.get(`${path}?${selector}`)).items.length, others.length);
  await api.delete(`${path}?${selector}`);
  await eventually('all are gone', async () => (await api.get(`${path}?${selector}`)).items.length === 0);
}

async function checkStatus({ api }: World, path: string, status: (note: string) => Json): Promise<void> {
  const holds = (answer: Json, note: string) =>
    assert.ok(JSON.stringify(answer.status ?? {}).includes(note), `${note} in ${JSON.stringify(answer.status)}`);
  const read = await api.get(`${path}/status`);
  const patched = await api.patch(`${path}/status`, {
    metadata: { annotations: { note: 'updated' } },
    status: status('PatchedBy'),
  });
  holds(patched, 'PatchedBy');
  assert.deepEqual(patched.spec, read.spec);
  const updated = await api.change(`${path}/status`, object => {
    object.status = status('UpdatedBy');
  });
  holds(updated, 'UpdatedBy');
  holds(await api.get(path), 'UpdatedBy');
}
