import type { EndpointSlice } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import { isNamespaceTerminating } from '#client';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import type { Expectations } from '../expectations.ts';
import { createExpectations } from '../expectations.ts';
import { refOfKey } from '../owners.ts';
import { textOf } from '../pod-control.ts';
import { applySlices } from './apply-slices.ts';
import { managedByLabel, manager, planSlices, serviceNameLabel } from './plan-slices.ts';
import type { ServiceLoop } from './service-loop.ts';
import { startServiceLoop } from './service-loop.ts';

const { services, pods, nodes, endpointslices } = resources;
const zoneLabel = 'topology.kubernetes.io/zone';

/** Where a service's traffic goes: what the proxy and the DNS follow. */
export const endpointSlices: ControllerSpec = {
  name: 'endpointslice',
  serviceAccount: 'endpointslice-controller',
  reads: [services, pods, nodes, endpointslices],
  writes: [{ resource: endpointslices, verbs: ['create', 'update', 'delete'] }],
  async start(deps) {
    const keyOf = ({ metadata }: EndpointSlice) => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`;
    const slices = deps.informers.of(endpointslices, {
      labelSelector: `${managedByLabel}=${manager}`,
      indexes: { service: slice => [keyOf(slice)] },
    });
    const context: Context = { deps, slices, expectations: createExpectations(deps.clock) };
    const part: ServiceLoop = startServiceLoop(deps, {
      name: 'endpointslice',
      informers: [slices, deps.informers.of(nodes)],
      sync: key => sync(context, part, key),
    });
    part.loop.own(
      slices.onChange(({ type, object }) => {
        if (type === 'added') context.expectations.creationObserved(keyOf(object));
      }),
    );
    part.loop.on(slices, ({ object }) => [keyOf(object)]);
    return part.loop;
  },
};

interface Context {
  deps: ControllerDeps;
  slices: Informer<EndpointSlice>;
  expectations: Expectations;
}

async function sync(
  { deps, slices, expectations }: Context,
  { services: all, podsOf }: ServiceLoop,
  key: string,
): Promise<void> {
  const { client, informers, events } = deps;
  const ref = refOfKey(key);
  const service = all.get(ref.namespace, ref.name);
  // The garbage collector removes the slices of a service that is gone.
  if (!service) return expectations.forget(key);
  if (!service.spec?.selector || service.spec.type === 'ExternalName' || service.metadata.deletionTimestamp) return;
  // Slices have made-up names, so making one twice must be avoided; the informer's showing it brings the key again.
  if (!expectations.satisfied(key)) return;
  const zoneOf = (name: string) => informers.of(nodes).get(undefined, name)?.metadata.labels?.[zoneLabel];
  const plan = planSlices({ service, pods: podsOf(service), slices: slices.byIndex('service', key), zoneOf });
  try {
    await applySlices(plan, { client, expectations, key });
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    const message = `Error updating Endpoint Slices for Service ${key}: ${textOf(error)}`;
    events.record(service, { type: 'Warning', reason: 'FailedToUpdateEndpointSlices', message });
    throw error;
  }
}
