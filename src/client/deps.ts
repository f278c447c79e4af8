import type { KubeObject } from '#api';
import type { Clock, Log, Meter, Random } from '#base';
import type { Client } from './client.ts';
import type { Informers } from './informer.ts';

/** Writes Events (core/v1) about objects; repeats are counted, floods are limited, failures are logged and not thrown. */
export interface EventRecorder {
  record(about: KubeObject & { fieldPath?: string }, event: EventText): void;
}

export interface EventText {
  type: 'Normal' | 'Warning';
  /** CamelCase, as upstream: `FailedScheduling`. */
  reason: string;
  message: string;
}

/** What every component is handed. */
export interface ComponentDeps {
  /** Acts under the component's own identity and rights. */
  client: Client;
  informers: Informers;
  events: EventRecorder;
  clock: Clock;
  random: Random;
  log: Log;
  meter: Meter;
}
