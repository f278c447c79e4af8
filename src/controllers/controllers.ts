import type { ControllerSpec } from './controller.ts';
import { deployment } from './deployment/controller.ts';
import { replicaset, replicationcontroller } from './replicaset/controller.ts';

/** All controllers, in the order in which they start: what others wait for first. None needs another to be ready. */
export const controllers: readonly ControllerSpec[] = [deployment, replicaset, replicationcontroller];
