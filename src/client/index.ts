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
export type { ComponentDeps, EventRecorder, EventText } from './deps.ts';
export type { Informer, InformerEvent, InformerOptions, Informers } from './informer.ts';
export type { KeyedQueue, QueueOptions, QueueOutcome } from './queue.ts';
