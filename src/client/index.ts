export type {
  CallOptions,
  Client,
  DeleteOptions,
  ListSelection,
  ObjectRef,
  Patch,
  RawRequest,
  RawResponse,
  Transport,
  WatchEvent,
  WriteOptions,
} from './client.ts';
export type { ClientOptions } from './create-client.ts';
export { createClient } from './create-client.ts';
export type { ComponentDeps, EventRecorder, EventText } from './deps.ts';
export type { ClientErrorCode } from './errors.ts';
export {
  ApiError,
  ClientError,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isInvalid,
  isMethodNotSupported,
  isNamespaceTerminating,
  isNotFound,
  isTooManyRequests,
  isUnauthorized,
  isUnreachable,
  retryAfterMs,
} from './errors.ts';
export type { EventRecorderOptions } from './event-recorder.ts';
export { createEventRecorder } from './event-recorder.ts';
export { createHandlerTransport } from './handler-transport.ts';
export type { HttpsTransportOptions } from './https-transport.ts';
export { createHttpsTransport } from './https-transport.ts';
export { loadInCluster } from './in-cluster.ts';
export type { Informer, InformerEvent, InformerOptions, Informers } from './informer.ts';
export type { InformersOptions } from './informers.ts';
export { createInformers } from './informers.ts';
export type { QueueDeps } from './keyed-queue.ts';
export { startQueue } from './keyed-queue.ts';
export type { KubeconfigOptions } from './kubeconfig.ts';
export { formatKubeconfig, loadKubeconfig } from './kubeconfig.ts';
export type { LeaderElection, LeaderElectionOptions } from './leader-election.ts';
export { startLeaderElection } from './leader-election.ts';
export { cacheKey, keyOfObject } from './object-cache.ts';
export type { KeyedQueue, QueueOptions, QueueOutcome } from './queue.ts';
export { pathOf, refOf } from './request.ts';
export { retryOnConflict } from './retry-on-conflict.ts';
export type { ServerAccess } from './server-access.ts';
