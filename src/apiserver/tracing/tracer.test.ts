import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMeter } from '#base';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { createTracer, readTracingConfig, type Span } from './tracer.ts';

const span = (spanId: string): Span => ({
  ...{ traceId: 'a'.repeat(32), spanId, parentSpanId: undefined, name: 'KubernetesAPI', startMs: 1, endMs: 2.5 },
  ...{ isError: false, attributes: { 'http.response.status_code': 200 } },
});

function setUp(post: (url: string, body: string) => Promise<number>, samplingRatePerMillion = 500_000) {
  const [clock, log, meter] = [createFakeClock(), createRecordingLog(), createMeter()];
  const config = { endpoint: 'http://c:4318', samplingRatePerMillion };
  return { clock, log, meter, tracer: createTracer({ config, instance: 'n', clock, log, meter, post }) };
}

test('spans go in batches, as OTLP writes them', async () => {
  const sent: [string, string][] = [];
  const { tracer, clock } = setUp(async (url, body) => {
    sent.push([url, body]);
    return 200;
  });
  tracer.record(span('1'.repeat(16)));
  tracer.record(span('2'.repeat(16)));
  await clock.advance(5000);
  assert.equal(sent.length, 1);
  assert.equal(sent[0]![0], 'http://c:4318/v1/traces');
  const { resourceSpans } = JSON.parse(sent[0]![1]);
  const [first, second] = resourceSpans[0].scopeSpans[0].spans;
  assert.deepEqual([first.startTimeUnixNano, first.endTimeUnixNano, first.kind], ['1000000', '2500000', 2]);
  assert.deepEqual(first.attributes, [{ key: 'http.response.status_code', value: { intValue: '200' } }]);
  assert.equal(second.spanId, '2'.repeat(16));
  await tracer[Symbol.asyncDispose]();
});

test('a collector that is gone costs spans, which are counted, and nothing else', async () => {
  const { tracer, meter, log } = setUp(async () => {
    throw new Error('nobody there');
  });
  tracer.record(span('1'));
  await tracer[Symbol.asyncDispose]();
  assert.ok((await meter.text()).includes('apiserver_tracing_lost_spans_total 1'));
  assert.equal(log.records.length, 1);
});

test('the rate is of a million', () => {
  const { tracer } = setUp(async () => 200, 250_000);
  assert.deepEqual([tracer.sample(0), tracer.sample(0.2499), tracer.sample(0.25)], [true, true, false]);
});

test('a configuration is read, and one that is wrong is refused, naming file and field', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-tracing-'));
  const path = join(folder, 't.yaml');
  const read = (text: string) => {
    writeFileSync(path, `apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n${text}`);
    return readTracingConfig(path);
  };
  try {
    assert.deepEqual(read('endpoint: collector:4318\nsamplingRatePerMillion: 100'), {
      endpoint: 'http://collector:4318',
      samplingRatePerMillion: 100,
    });
    assert.equal(read('').endpoint, 'http://localhost:4318');
    assert.throws(
      () => read('samplingRatePerMillion: 2000000'),
      /t\.yaml: samplingRatePerMillion: must be between 0 and 1000000/,
    );
    assert.throws(() => read('endpoint: ftp://x'), /t\.yaml: endpoint: must be host:port or an http URL/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
