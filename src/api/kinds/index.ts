import type { KindBehaviour } from '../kind.ts';
import type { UnknownObject } from '../resource.ts';
import { deployment } from './apps/deployment.ts';
import { replicaSet } from './apps/replica-set.ts';
import { behaviour } from './behaviour.ts';
import { configMap } from './core/config-map.ts';
import { namespace } from './core/namespace.ts';
import { node } from './core/node.ts';
import { pod } from './core/pod.ts';
import { secret } from './core/secret.ts';
import { service } from './core/service.ts';

/** What makes the built-in kinds special, by `v1/pods`, `apps/v1/deployments`: the keys of tables/resources.json. */
export const behaviours: ReadonlyMap<string, KindBehaviour<UnknownObject>> = new Map([
  ['apps/v1/deployments', behaviour(deployment)],
  ['apps/v1/replicasets', behaviour(replicaSet)],
  ['v1/configmaps', behaviour(configMap)],
  ['v1/namespaces', behaviour(namespace)],
  ['v1/nodes', behaviour(node)],
  ['v1/pods', behaviour(pod)],
  ['v1/secrets', behaviour(secret)],
  ['v1/services', behaviour(service)],
]);

export type { MetadataOptions } from './metadata.ts';
export { validateMetadata, validateMetadataUpdate } from './metadata.ts';
