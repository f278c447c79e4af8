import type { Clock, Log, Meter } from '#base';
import type { AuditEvent } from './event.ts';
import { type AuditSink, createLossCounter } from './sink.ts';

export interface WebhookSinkOptions {
  /** Sends one EventList; rejects or gives a status when it was not taken. */
  post(body: Buffer): Promise<number>;
  /** Upstream's --audit-webhook-batch-*. */
  readonly bufferSize: number;
  readonly maxBatchSize: number;
  readonly maxWaitMs: number;
  readonly throttleQps: number;
  readonly throttleBurst: number;
  readonly initialBackoffMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Upstream's number of tries, and how much longer each waits than the one before. */
const tries = 5;
const backoffFactor = 1.5;

/** Sends events in batches: a full one at once, another after the longest wait. One batch is under way at a time. */
export function createWebhookSink(options: WebhookSinkOptions): AuditSink {
  const { clock, log, bufferSize, maxBatchSize, maxWaitMs } = options;
  const countLoss = createLossCounter(options.meter, 'webhook');
  const stop = new AbortController();
  const throttle = createThrottle(options);
  let waiting: AuditEvent[] = [];
  let timer: Disposable | undefined;
  let sending: Promise<void> | undefined;
  let isFull = false;
  /** The longest wait is over: what is there goes, though it is no full batch. */
  let isDue = false;
  const send = async () => {
    while (waiting.length >= maxBatchSize || (isDue && waiting.length > 0)) {
      const batch = waiting.slice(0, maxBatchSize);
      waiting = waiting.slice(maxBatchSize);
      isFull = false;
      try {
        await throttle(stop.signal);
        await postBatch(options, batch, stop.signal);
      } catch (error) {
        countLoss(batch.length);
        log.error('audit events were lost', { to: 'webhook', count: batch.length, error });
      }
    }
    isDue = false;
  };
  const kick = () => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    sending ??= send().finally(() => {
      sending = undefined;
      if (waiting.length > 0) arm();
    });
  };
  const arm = () => {
    timer ??= clock.timer(
      maxWaitMs,
      () => {
        isDue = true;
        kick();
      },
      { unref: true },
    );
  };
  return {
    accept(event) {
      if (waiting.length >= bufferSize) {
        countLoss(1);
        if (!isFull) log.error('audit events are being lost', { to: 'webhook', reason: 'the buffer is full' });
        isFull = true;
        return;
      }
      waiting.push(event);
      if (waiting.length >= maxBatchSize) kick();
      else if (!sending) arm();
    },
    async [Symbol.asyncDispose]() {
      // One try for what is left: a server that stops does not wait out the backoff of a webhook that is gone.
      stop.abort(new Error('the server stops'));
      await sending;
      isDue = true;
      kick();
      await sending;
      timer?.[Symbol.dispose]();
    },
  };
}

async function postBatch(options: WebhookSinkOptions, items: AuditEvent[], signal: AbortSignal): Promise<void> {
  const list = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items };
  const body = Buffer.from(JSON.stringify(list));
  let waitMs = options.initialBackoffMs;
  for (let attempt = 1; ; attempt++) {
    try {
      const status = await options.post(body);
      if (status < 300) return;
      throw new Error(`the audit webhook answers ${status}`);
    } catch (error) {
      if (attempt === tries || signal.aborted) throw error;
    }
    await options.clock.sleep(waitMs, signal);
    waitMs *= backoffFactor;
  }
}

/** A token bucket: resolves when the next batch may go; at once when the server stops. */
function createThrottle({ clock, throttleQps, throttleBurst }: WebhookSinkOptions) {
  let tokens = throttleBurst;
  let sinceMs = clock.monotonicMs();
  return async (signal: AbortSignal): Promise<void> => {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(throttleBurst, tokens + ((nowMs - sinceMs) / 1000) * throttleQps);
    sinceMs = nowMs;
    tokens -= 1;
    if (tokens >= 0 || signal.aborted) return;
    await clock.sleep((-tokens / throttleQps) * 1000, signal).catch(() => undefined); // it stops: go on at once
  };
}
