import type { KubeObject, Resource } from '#api';
import { groupResourceOf } from '#api';
import type { Client, Informers } from '#client';
import type { AnyResource, ControllerSpec, ControllerWrite } from './controller.ts';

type WriteVerb = ControllerWrite['verbs'][number];

/** The client without what the controller did not declare: an undeclared call is a mistake in the program and throws. */
export function filterClient(client: Client, spec: ControllerSpec): Client {
  const read = (resource: AnyResource) => checkRead(spec, resource);
  const write = (verb: WriteVerb, resource: AnyResource, subresource?: string) => {
    const allowed = spec.writes.some(
      one =>
        (one.resource === 'every' || same(one.resource, resource)) &&
        one.verbs.includes(verb) &&
        (subresource ? one.resource === 'every' || one.subresources?.includes(subresource) : !one.subresources),
    );
    if (!allowed) throw undeclared(spec, `${verb} ${groupResourceOf(resource)}${subresource ? `/${subresource}` : ''}`);
  };
  return {
    async get(resource, ref, options) {
      read(resource);
      return client.get(resource, ref, options);
    },
    async list(resource, selection) {
      read(resource);
      return client.list(resource, selection);
    },
    watch(resource, selection) {
      read(resource);
      return client.watch(resource, selection);
    },
    async create<T extends KubeObject, R extends KubeObject>(
      resource: Resource<T>,
      object: R,
      options?: Parameters<Client['create']>[2],
    ) {
      write('create', resource, options?.subresource);
      return client.create<T, R>(resource, object, options);
    },
    async update(resource, object, options) {
      write('update', resource, options?.subresource);
      return client.update(resource, object, options);
    },
    async patch(resource, ref, patch) {
      write('patch', resource, patch.subresource);
      return client.patch(resource, ref, patch);
    },
    async delete(resource, ref, options) {
      write('delete', resource);
      return client.delete(resource, ref, options);
    },
    async deleteCollection(resource, selection, options) {
      write('deletecollection', resource);
      return client.deleteCollection(resource, selection, options);
    },
    async raw(request) {
      const isAsked = spec.reads === 'every' || spec.asks?.some(prefix => request.path.startsWith(prefix));
      if (request.method !== 'GET' || !isAsked) throw undeclared(spec, `${request.method} ${request.path}`);
      return client.raw(request);
    },
  };
}

/** Informers of declared resources only. Disposing is left to their owner. */
export function filterInformers(informers: Informers, spec: ControllerSpec): Informers {
  return {
    of(resource, options) {
      checkRead(spec, resource);
      return informers.of(resource, options);
    },
    leave(resource, options) {
      checkRead(spec, resource);
      informers.leave(resource, options);
    },
    whenSynced: signal => informers.whenSynced(signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function checkRead(spec: ControllerSpec, resource: AnyResource): void {
  if (spec.reads === 'every' || spec.reads.some(one => same(one, resource))) return;
  throw undeclared(spec, `read ${groupResourceOf(resource)}`);
}

const same = (one: AnyResource, other: AnyResource) => one.group === other.group && one.resource === other.resource;

function undeclared(spec: ControllerSpec, what: string): Error {
  return new Error(`controller ${spec.name} did not declare: ${what}; add it to its reads or writes`);
}
