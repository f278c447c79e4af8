import type { Event, KubeObject } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import { formatTime } from '#base';
import type { Client } from './client.ts';
import type { EventRecorder, EventText } from './deps.ts';
import { isNamespaceTerminating, isNotFound, isUnreachable } from './errors.ts';
import { createEventCorrelator } from './event-correlator.ts';

/** Upstream's: an event is tried 12 times, every 10 s, while the server cannot be reached. */
const [maxAttempts, attemptMs] = [12, 10_000];
/** Events that wait to be written, as upstream's queue; further ones are dropped. */
const maxWaiting = 1000;
/** The API's limit for an event's note. */
const maxMessage = 1024;

export interface EventRecorderOptions {
  client: Client;
  clock: Clock;
  log: Log;
  /** `deployment-controller`, `kubelet`, `default-scheduler`. */
  component: string;
  /** The node, for components of a node. */
  host?: string;
}

/** Writes events one after the other in the background. Disposing drops what has not been written and waits for the write under way. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder & AsyncDisposable {
  const { clock, log } = options;
  const waiting: Event[] = [];
  const correlate = createEventCorrelator(clock);
  const stop = new AbortController();
  let sequence = 0n;
  let writing: Promise<void> | undefined;

  const drain = async () => {
    for (let event = waiting.shift(); event && !stop.signal.aborted; event = waiting.shift()) {
      const { action, ...rest } = correlate(event);
      if (action !== 'drop') await write(options, action, (rest as { event: Event }).event, stop.signal);
    }
    writing = undefined;
  };
  return {
    record(about, text) {
      if (stop.signal.aborted) return;
      if (waiting.length >= maxWaiting) return log.warn('event dropped, too many wait', { reason: text.reason });
      waiting.push(toEvent(options, about, text, sequence++));
      writing ??= Promise.resolve().then(drain);
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the event recorder is disposed'));
      await writing;
    },
  };
}

function toEvent(
  { clock, component, host = '' }: EventRecorderOptions,
  about: KubeObject & { fieldPath?: string },
  { type, reason, message }: EventText,
  sequence: bigint,
): Event {
  const { name, namespace, uid, resourceVersion } = about.metadata;
  const now = formatTime(clock.now());
  // Upstream appends the nanoseconds since 1970 in hex; the sequence stands in for those that the clock does not show.
  const stamp = (BigInt(clock.now()) * 1_000_000n + (sequence % 1_000_000n)).toString(16);
  const involved = { kind: about.kind, apiVersion: about.apiVersion, namespace, name, uid, resourceVersion };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${stamp}`, namespace: namespace || 'default' },
    involvedObject: about.fieldPath ? { ...involved, fieldPath: about.fieldPath } : involved,
    ...{ type, reason, message: message.length > maxMessage ? `${message.slice(0, maxMessage - 4)} ...` : message },
    source: host ? { component, host } : { component },
    ...{ firstTimestamp: now, lastTimestamp: now, count: 1 },
    ...{ reportingComponent: component, reportingInstance: host },
  };
}

async function write(
  { client, clock, log }: EventRecorderOptions,
  action: 'create' | 'count',
  event: Event,
  signal: AbortSignal,
) {
  const { reason } = event;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      if (action === 'count') await count(client, event, signal);
      else await client.create(resources.events, event, { signal });
      return;
    } catch (error) {
      if (signal.aborted) return;
      const retry = isUnreachable(error) && attempt < maxAttempts;
      if (!retry) {
        const level = isNamespaceTerminating(error) || isNotFound(error) ? 'debug' : 'warn';
        return log[level]('event not written', { event: event.metadata.name, reason, error });
      }
      // The rejection says only that the signal aborted, which the loop looks at next.
      await clock.sleep(attemptMs, signal).catch(() => undefined);
    }
  }
}

/** Raises the count of a stored event; writes it anew when it has expired meanwhile. */
async function count(client: Client, event: Event, signal: AbortSignal): Promise<void> {
  const { message, lastTimestamp, metadata } = event;
  const body = { count: event.count, message, lastTimestamp };
  try {
    await client.patch(resources.events, metadata, { type: 'strategic', body, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(resources.events, event, { signal });
  }
}
