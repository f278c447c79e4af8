import type { EndpointSlice, Endpoints, KubeObject, Service } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import { isNamespaceTerminating } from '#client';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { createExpectations, type Expectations } from '../expectations.ts';
import { startLoop } from '../loop.ts';
import { refOfKey } from '../owners.ts';
import { applySlices } from './apply-slices.ts';
import { isMirrored, mirrorManager, planMirror } from './plan-mirror.ts';
import { managedByLabel, serviceNameLabel } from './plan-slices.ts';

const { services, endpoints: endpointsResource, endpointslices } = resources;

/** Brings Endpoints that users write for Services without a selector to those who follow EndpointSlices. */
export const endpointSliceMirroring: ControllerSpec = {
  name: 'endpointslice-mirroring',
  serviceAccount: 'endpointslicemirroring-controller',
  reads: [services, endpointsResource, endpointslices],
  writes: [{ resource: endpointslices, verbs: ['create', 'update', 'delete'] }],
  async start(deps) {
    const serviceOf = ({ metadata }: EndpointSlice) => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`;
    const context: Context = {
      deps,
      services: deps.informers.of(services),
      endpoints: deps.informers.of(endpointsResource),
      slices: deps.informers.of(endpointslices, {
        labelSelector: `${managedByLabel}=${mirrorManager}`,
        indexes: { service: slice => [serviceOf(slice)] },
      }),
      expectations: createExpectations(deps.clock),
    };
    const loop = startLoop(deps, {
      name: 'endpointslice-mirroring',
      informers: [context.services, context.endpoints, context.slices],
      sync: key => sync(context, key),
    });
    loop.own(
      context.slices.onChange(({ type, object }) => {
        if (type === 'added') context.expectations.creationObserved(serviceOf(object));
      }),
    );
    const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;
    loop.on(context.services, ({ object }) => [keyOf(object)]);
    loop.on(context.endpoints, ({ object }) => [keyOf(object)]);
    loop.on(context.slices, ({ object }) => [serviceOf(object)]);
    return loop;
  },
};

interface Context {
  deps: ControllerDeps;
  services: Informer<Service>;
  endpoints: Informer<Endpoints>;
  slices: Informer<EndpointSlice>;
  expectations: Expectations;
}

async function sync({ deps, expectations, ...all }: Context, key: string): Promise<void> {
  const { namespace, name } = refOfKey(key);
  const [service, endpoints] = [all.services.get(namespace, name), all.endpoints.get(namespace, name)];
  const existing = all.slices.byIndex('service', key);
  const wanted = service && !service.spec?.selector && endpoints && isMirrored(endpoints);
  if (!wanted && existing.length === 0) return expectations.forget(key);
  // Slices have made-up names, so making one twice must be avoided; the informer's showing it brings the key again.
  if (!expectations.satisfied(key)) return;
  const plan = wanted ? planMirror(endpoints, existing) : { create: [], update: [], remove: existing };
  const { client } = deps;
  try {
    await applySlices(plan, { client, expectations, key });
  } catch (error) {
    if (!isNamespaceTerminating(error)) throw error;
  }
}
