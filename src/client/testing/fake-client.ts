import type { KubeObject, Resource } from '#api';
import { apiVersionOf, resources as builtIn, groupResourceOf } from '#api';
import type { Clock, Random } from '#base';
import { formatTime } from '#base';
import { createFakeClock, createFakeRandom } from '#base/testing';
import type { Client, DeleteOptions, ObjectRef, WriteOptions } from '../client.ts';
import { refOf } from '../request.ts';
import {
  checkPreconditions,
  isGone,
  keyOfRef,
  notFound,
  prepareCreate,
  prepareDelete,
  prepareUpdate,
  refusal,
} from './fake-rules.ts';
import { createFakeStore, handedOut, plain } from './fake-store.ts';
import { patched } from './patch.ts';
import { isSelected } from './select.ts';
import { subresources } from './subresources.ts';

/** A call that changes something, as it was made. */
export interface FakeCall {
  verb: 'create' | 'update' | 'patch' | 'delete';
  /** `deployments.apps`, with `/status` for a subresource. */
  resource: string;
  namespace: string | undefined;
  name: string;
  /** The object, patch body or delete options. */
  body: unknown;
}

export interface FakeClient extends Client {
  /** Every write since the start, refused ones too. */
  readonly calls: FakeCall[];
  /** Stores objects as they are, with status, inventing only what is missing (uid, creationTimestamp). Their apiVersion and kind name the resource. */
  seed(...objects: KubeObject[]): void;
  /** Called before every write: a returned error is what the write rejects with. Replaces the one before. */
  refuse(decide: (call: FakeCall) => Error | undefined): void;
  /** Answers creates of kinds that are never stored (reviews): what it returns, instead of storing. Replaces the one before. */
  answer(decide: (call: FakeCall) => KubeObject | undefined): void;
  /** Forgets history: watches from before answer 410. */
  compact(): void;
  /** Ends every open watch, as a restarting server does. */
  closeWatches(): void;
  openWatches(): number;
  /** The stored object without a copy; undefined when there is none. */
  peek<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef): T | undefined;
  /** All stored objects of a resource. */
  peekAll<T extends KubeObject>(resource: Resource<T>): T[];
}

export interface FakeClientOptions {
  clock?: Clock;
  random?: Random;
  /** Custom resources that `seed` is to know, beside the built-in ones. */
  resources?: readonly Resource<KubeObject>[];
}

/**
 * The API in memory, for unit tests: versions, watches, selectors, conflicts, generateName, generation, status apart, graceful deletion of pods,
 * finalizers. There is no defaulting, no validation, no admission and no garbage collection.
 */
export function createFakeClient(objects: readonly KubeObject[] = [], options: FakeClientOptions = {}): FakeClient {
  const store = createFakeStore();
  const world = { clock: options.clock ?? createFakeClock(), random: options.random ?? createFakeRandom() };
  const known = [...(Object.values(builtIn) as Resource<KubeObject>[]), ...(options.resources ?? [])];
  const calls: FakeCall[] = [];
  let decide: (call: FakeCall) => Error | undefined = () => undefined;
  let review: (call: FakeCall) => KubeObject | undefined = () => undefined;

  const note = (
    verb: FakeCall['verb'],
    resource: Resource<KubeObject>,
    ref: ObjectRef,
    body: unknown,
    sub?: string,
  ) => {
    const name = sub ? `${groupResourceOf(resource)}/${sub}` : groupResourceOf(resource);
    const call: FakeCall = {
      verb,
      resource: name,
      namespace: ref.namespace,
      name: ref.name,
      body: structuredClone(body),
    };
    calls.push(call);
    const error = decide(call);
    if (error) throw error;
    return call;
  };
  const must = (resource: Resource<KubeObject>, ref: ObjectRef): KubeObject => {
    const object = store.get(resource, keyOfRef(resource, ref));
    if (!object) throw notFound(resource, ref.name);
    return object;
  };
  const settle = (resource: Resource<KubeObject>, object: KubeObject): KubeObject =>
    isGone(object) ? store.remove(resource, object) : store.put(resource, object);
  const give = <T extends KubeObject>(object: KubeObject): T => structuredClone(object) as T;
  const remove = (resource: Resource<KubeObject>, ref: ObjectRef, deletion: DeleteOptions) => {
    const old = must(resource, ref);
    checkPreconditions(resource, old, deletion);
    if (deletion.dryRun) return give(old);
    return give(settle(resource, prepareDelete(old, deletion, world.clock)));
  };
  const replace = (resource: Resource<KubeObject>, object: KubeObject, write?: WriteOptions) => {
    const old = must(resource, refOf(object));
    const next = prepareUpdate(resource, old, object, write?.subresource);
    return write?.dryRun ? next : settle(resource, next);
  };
  const make = (resource: Resource<KubeObject>, object: KubeObject, write?: WriteOptions) => {
    const created = prepareCreate(resource, object, world);
    const { name } = created.metadata;
    if (store.get(resource, keyOfRef(resource, refOf(created)))) {
      throw refusal(409, 'AlreadyExists', `${groupResourceOf(resource)} "${name}" already exists`, resource, name);
    }
    return write?.dryRun ? created : store.put(resource, created);
  };
  const fake: FakeClient = {
    calls,
    refuse: next => {
      decide = next;
    },
    answer: next => {
      review = next;
    },
    compact: store.compact,
    closeWatches: store.closeWatches,
    openWatches: store.openWatches,
    peek: (resource, ref) => store.get(resource, keyOfRef(resource, ref)) as never,
    peekAll: resource => store.all(resource) as never[],
    seed(...given) {
      for (const object of given) {
        const resource = known.find(one => one.kind === object.kind && apiVersionOf(one) === object.apiVersion);
        if (!resource) throw new Error(`no resource serves ${object.apiVersion} ${object.kind}`);
        const { uid = world.random.uuid(), creationTimestamp = formatTime(world.clock.now()) } = object.metadata;
        store.put(resource, plain({ ...object, metadata: { ...object.metadata, uid, creationTimestamp } }));
      }
    },
    async get(resource, ref, { subresource } = {}) {
      const object = must(resource, ref);
      return give(subresource ? subresources.read(object, subresource) : object);
    },
    async list(resource, selection = {}) {
      const items = store.all(resource).filter(object => isSelected(object, selection));
      items.sort((a, b) => (keyOfRef(resource, refOf(a)) < keyOfRef(resource, refOf(b)) ? -1 : 1));
      return {
        kind: `${resource.kind}List`,
        apiVersion: apiVersionOf(resource),
        metadata: { resourceVersion: String(store.revision()) },
        items: items.map(object => handedOut(give(object), selection)),
      };
    },
    async create(resource, object, write) {
      const reviewed = review(note('create', resource, refOf(object), object, write?.subresource));
      if (reviewed) return give(reviewed);
      if (!write?.subresource) return give(make(resource, object, write));
      const { changed, answer } = subresources.create(must(resource, refOf(object)), object, write.subresource);
      if (changed === 'deleted')
        remove(resource, refOf(object), (object as { deleteOptions?: DeleteOptions }).deleteOptions ?? {});
      else if (changed) settle(resource, changed);
      return give(answer);
    },
    async update(resource, object, write) {
      note('update', resource, refOf(object), object, write?.subresource);
      if (write?.subresource !== 'scale') return give(replace(resource, object, write));
      return give(
        subresources.read(settle(resource, subresources.scale(must(resource, refOf(object)), object)), 'scale'),
      );
    },
    async patch(resource, ref, patch) {
      note('patch', resource, ref, patch.body, patch.subresource);
      const old = store.get(resource, keyOfRef(resource, ref));
      if (!old && patch.type === 'apply') return give(make(resource, patch.body as KubeObject, patch));
      const whole = must(resource, ref);
      const scale = patch.subresource === 'scale';
      const next = patched(scale ? subresources.read(whole, 'scale') : whole, patch) as KubeObject;
      if (scale) return give(subresources.read(settle(resource, subresources.scale(whole, next)), 'scale'));
      return give(replace(resource, next, patch));
    },
    async delete(resource, ref, deletion = {}) {
      note('delete', resource, ref, deletion);
      return remove(resource, ref, deletion);
    },
    async deleteCollection(resource, selection, deletion = {}) {
      for (const object of store.all(resource).filter(one => isSelected(one, selection))) {
        note('delete', resource, refOf(object), deletion);
        remove(resource, refOf(object), deletion);
      }
    },
    watch: (resource, selection) => store.watch(resource, selection) as never,
    raw: async ({ method, path }) => {
      throw new Error(`the fake client has no raw answer to ${method} ${path}`);
    },
  };
  fake.seed(...objects);
  return fake;
}
