import { resources } from '#api';
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from '#client';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { equalContent } from '../hash.ts';
import { refOfKey } from '../owners.ts';
import { textOf } from '../pod-control.ts';
import { planEndpoints } from './plan-endpoints.ts';
import type { ServiceLoop } from './service-loop.ts';
import { startServiceLoop } from './service-loop.ts';

const { services, pods, endpoints: endpointsResource } = resources;

/** The older API of a service's addresses, for those who still read it. */
export const endpoints: ControllerSpec = {
  name: 'endpoints',
  serviceAccount: 'endpoint-controller',
  reads: [services, pods, endpointsResource],
  writes: [{ resource: endpointsResource, verbs: ['create', 'update', 'delete'] }],
  async start(deps) {
    const all = deps.informers.of(endpointsResource);
    const part: ServiceLoop = startServiceLoop(deps, {
      name: 'endpoints',
      informers: [all],
      sync: key => sync(deps, part, key),
    });
    // Endpoints that somebody changed or deleted are put right.
    part.loop.on(all, ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`]);
    return part.loop;
  },
};

async function sync(deps: ControllerDeps, { services: all, podsOf }: ServiceLoop, key: string): Promise<void> {
  const { client, informers, events } = deps;
  const ref = refOfKey(key);
  const service = all.get(ref.namespace, ref.name);
  const old = informers.of(endpointsResource).get(ref.namespace, ref.name);
  if (!service) return old?.metadata.labels?.['endpoints.kubernetes.io/managed-by'] ? remove(deps, ref) : undefined;
  if (!service.spec?.selector || service.spec.type === 'ExternalName') return;
  const next = planEndpoints(service, podsOf(service), old);
  if (old && equalContent(comparable(next), comparable(old))) return;
  try {
    if (old) await client.update(endpointsResource, next);
    else await client.create(endpointsResource, next);
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    if (!isConflict(error) && !isAlreadyExists(error)) {
      const [reason, verb] = old ? ['FailedToUpdateEndpoint', 'update'] : ['FailedToCreateEndpoint', 'create'];
      const message = `Failed to ${verb} endpoint ${ref.namespace}/${ref.name}: ${textOf(error)}`;
      events.record(service, { type: 'Warning', reason, message });
    }
    throw error;
  }
}

async function remove({ client }: ControllerDeps, ref: { namespace: string; name: string }): Promise<void> {
  await client.delete(endpointsResource, ref).catch(error => {
    if (!isNotFound(error)) throw error;
  });
}

function comparable({ metadata, subsets }: Awaited<ReturnType<typeof planEndpoints>>): unknown {
  return [metadata.labels ?? {}, metadata.annotations ?? {}, subsets ?? []];
}
