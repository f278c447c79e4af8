import type { ControllerSpec } from './controller.ts';
import { deployment } from './deployment/controller.ts';
import { endpointSlices } from './endpoints/endpoint-slices.ts';
import { endpoints } from './endpoints/endpoints.ts';
import { garbageCollector } from './garbage-collector/controller.ts';
import { namespace } from './namespace/controller.ts';
import { podGc } from './pod-gc/controller.ts';
import { replicaset, replicationcontroller } from './replicaset/controller.ts';
import { rootCaPublisher, serviceaccount, serviceaccountToken } from './serviceaccount/controller.ts';

/** All controllers, in the order in which they start: first what pods cannot be created without. None needs another to be ready. */
export const controllers: readonly ControllerSpec[] = [
  serviceaccount,
  serviceaccountToken,
  rootCaPublisher,
  deployment,
  replicaset,
  replicationcontroller,
  endpointSlices,
  endpoints,
  namespace,
  garbageCollector,
  podGc,
];
