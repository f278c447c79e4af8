import type { Clock, Log, Meter } from '#base';
import { readDocument } from '../document.ts';

/** One finished piece of work. */
export interface Span {
  /** 32 hexadecimal digits; span ids have 16. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Takes spans and sends them in batches; disposing sends what is left. */
export interface Tracer extends AsyncDisposable {
  /** Whether a trace that begins here is kept; `chance` in [0, 1). */
  sample(chance: number): boolean;
  /** Never blocks: spans that do not fit are dropped and counted. */
  record(span: Span): void;
}

export interface TracingConfig {
  /** `http://127.0.0.1:4318`; spans go to /v1/traces below it. */
  readonly endpoint: string;
  readonly samplingRatePerMillion: number;
}

const spec = {
  kind: 'TracingConfiguration',
  apiVersions: ['v1', 'v1beta1', 'v1alpha1'].map(version => `apiserver.config.k8s.io/${version}`),
};
const defaultEndpoint = 'localhost:4318';
const million = 1_000_000;

/** Reads a TracingConfiguration as upstream's. The endpoint is one of OTLP over HTTP (upstream: gRPC). Throws DocumentError naming file and field. */
export function readTracingConfig(path: string): TracingConfig {
  const { endpoint, samplingRatePerMillion } = readDocument(path, spec).members('endpoint', 'samplingRatePerMillion');
  const rate = samplingRatePerMillion.integer(0);
  if (rate < 0 || rate > million) samplingRatePerMillion.fail(`must be between 0 and ${million}`);
  const text = endpoint.isSet ? endpoint.text() : defaultEndpoint;
  const url = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(url) || !/^https?:/.test(url)) endpoint.fail('must be host:port or an http URL');
  return { endpoint: url.replace(/\/+$/, ''), samplingRatePerMillion: rate };
}

const maxWaiting = 2048;
const maxBatch = 512;
const maxWaitMs = 5000;
const postTimeoutMs = 10_000;

export interface TracerOptions {
  readonly config: TracingConfig;
  /** Telling instances apart. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Default: fetch. Gives the HTTP status. */
  readonly post?: ((url: string, body: string) => Promise<number>) | undefined;
}

/** Exports spans as OTLP/HTTP with JSON (opentelemetry-proto, trace service). */
export function createTracer(options: TracerOptions): Tracer {
  const { config, clock, log, post = postJson } = options;
  const lost = options.meter.counter({
    name: 'apiserver_tracing_lost_spans_total',
    help: 'Spans that could not be sent.',
  });
  let waiting: Span[] = [];
  let timer: Disposable | undefined;
  let sending: Promise<void> = Promise.resolve();
  const send = async (spans: readonly Span[]) => {
    try {
      const status = await post(`${config.endpoint}/v1/traces`, JSON.stringify(formatSpans(spans, options.instance)));
      if (status >= 300) throw new Error(`the collector answers ${status}`);
    } catch (error) {
      lost.add({}, spans.length);
      log.warn('spans were lost', { endpoint: config.endpoint, count: spans.length, error });
    }
  };
  const flush = () => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const spans = waiting;
    waiting = [];
    if (spans.length > 0) sending = sending.then(() => send(spans));
  };
  return {
    sample: chance => chance * million < config.samplingRatePerMillion,
    record(span) {
      if (waiting.length >= maxWaiting) {
        lost.add();
        return;
      }
      waiting.push(span);
      if (waiting.length >= maxBatch) flush();
      else timer ??= clock.timer(maxWaitMs, flush, { unref: true });
    },
    async [Symbol.asyncDispose]() {
      flush();
      await sending;
    },
  };
}

async function postJson(url: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(postTimeoutMs) });
  await response.body?.cancel();
  return response.status;
}

const serverKind = 2;
const errorStatus = 2;

function formatSpans(spans: readonly Span[], instance: string): object {
  const resource = { attributes: formatAttributes({ 'service.name': 'apiserver', 'service.instance.id': instance }) };
  const formatted = spans.map(span => ({
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    kind: serverKind,
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: formatAttributes(span.attributes),
    status: span.isError ? { code: errorStatus } : {},
  }));
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'wherry/apiserver' }, spans: formatted }] }] };
}

function nanoseconds(ms: number): string {
  return `${BigInt(Math.round(ms * 1000)) * 1000n}`;
}

function formatAttributes(attributes: Span['attributes']): object[] {
  return Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'number') return { key, value: { intValue: String(value) } };
    return { key, value: typeof value === 'boolean' ? { boolValue: value } : { stringValue: value } };
  });
}
