import type { Pod, Service } from '#api';
import { resources } from '#api';
import type { Informer, InformerEvent } from '#client';
import type { ControllerDeps } from '../controller.ts';
import { equalContent } from '../hash.ts';
import type { Loop, LoopOptions } from '../loop.ts';
import { startLoop } from '../loop.ts';
import { matchesLabels } from '../selector.ts';
import { endpointContent } from './addresses.ts';

export interface ServiceLoop {
  loop: Loop;
  services: Informer<Service>;
  /** Pods that a service selects. */
  podsOf(service: Service): Pod[];
}

/** A loop over services that also runs when a pod changes in a way that its services' endpoints show. */
export function startServiceLoop(
  deps: ControllerDeps,
  options: Pick<LoopOptions, 'name' | 'informers'> & { sync(key: string): Promise<void> },
): ServiceLoop {
  const services = deps.informers.of(resources.services);
  const pods = deps.informers.of(resources.pods);
  const loop = startLoop(deps, { ...options, informers: [services, pods, ...options.informers] });
  const selecting = (pod: Pod) =>
    services
      .list(pod.metadata.namespace)
      .filter(({ spec }) => spec?.selector && matchesLabels(spec.selector, pod.metadata.labels))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  loop.on(services, ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`]);
  loop.on(pods, ({ object, old }: InformerEvent<Pod>) => {
    if (old && equalContent(endpointContent(old), endpointContent(object))) return [];
    return new Set([...selecting(object), ...(old ? selecting(old) : [])]);
  });
  return {
    loop,
    services,
    podsOf: ({ metadata, spec }) =>
      pods.list(metadata.namespace).filter(pod => matchesLabels(spec?.selector, pod.metadata.labels)),
  };
}
