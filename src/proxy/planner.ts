import type { EndpointSlice, Pod, Service } from '#api';
import type { Informer } from '#client';
import { orderHostPorts, planHostPorts } from './plan-host-ports.ts';
import type { Here } from './plan-service.ts';
import { planService } from './plan-service.ts';
import type { Fragment, Ruleset } from './rules.ts';
import { mergeRules } from './rules.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
/** Index of endpoint slices: `namespace/service`. */
export const serviceIndex = 'proxy-service';

export interface ProxyInformers {
  services: Informer<Service>;
  /** With `serviceIndex`. */
  slices: Informer<EndpointSlice>;
  /** Those of this node. */
  pods: Informer<Pod>;
}

/** Plans again only the Services that something happened to. */
export interface Planner extends Disposable {
  rules(): Ruleset;
}

/** Follows the informers; `changed` is called for everything that may matter, often, also for what is known at the start. */
export function createPlanner({ services, slices, pods }: ProxyInformers, here: Here, changed: () => void): Planner {
  const dirty = new Set<string>();
  const planned = new Map<string, { order: string; fragment: Fragment }>();
  const touch = (key: string | undefined) => {
    if (key === undefined) return;
    dirty.add(key);
    changed();
  };
  const handlers = new DisposableStack();
  handlers.use(services.onChange(({ object }) => touch(keyOf(object))));
  handlers.use(
    slices.onChange(({ object, old }) => {
      touch(serviceKeyOf(object));
      // A slice may be given to another Service.
      if (old && serviceKeyOf(old) !== serviceKeyOf(object)) touch(serviceKeyOf(old));
    }),
  );
  handlers.use(pods.onChange(({ object }) => hasHostPorts(object) && changed()));
  const replan = (key: string) => {
    const [namespace = '', name = ''] = key.split('/');
    const service = services.get(namespace, name);
    if (!service) return void planned.delete(key);
    const fragment = planService(service, slices.byIndex(serviceIndex, key), here);
    planned.set(key, { order: `${service.metadata.creationTimestamp ?? ''} ${key}`, fragment });
  };
  return {
    rules() {
      for (const key of dirty) replan(key);
      dirty.clear();
      // Oldest first: a new Service does not take an external IP from one that has it.
      const ordered = [...planned.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
      const hostPorts = pods.list().filter(hasHostPorts).sort(orderHostPorts).map(planHostPorts);
      return mergeRules([...ordered.map(({ fragment }) => fragment), ...hostPorts]);
    },
    [Symbol.dispose]: () => handlers.dispose(),
  };
}

/** The Service that a slice belongs to. */
export function serviceKeyOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel];
  return name ? `${metadata.namespace ?? ''}/${name}` : undefined;
}

function keyOf({ metadata }: Service): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function hasHostPorts({ spec }: Pod): boolean {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return !spec.hostNetwork && containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort));
}
