import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApiServer } from '../testing.ts';
import { Family } from './series.ts';

const metricsOf = async (server: Awaited<ReturnType<typeof startTestApiServer>>) =>
  (await server.call('GET', '/metrics')).text;

test('a request is counted under what it asks for, unknown ones without a name', async () => {
  await using server = await startTestApiServer();
  await server.call('GET', '/api/v1/namespaces/default/pods/none');
  await server.call('GET', '/apis/example.com/v1/things');
  const metrics = await metricsOf(server);
  const labels =
    'dry_run="",group="",version="v1",resource="pods",subresource="",scope="resource",component="apiserver"';
  assert.ok(metrics.includes(`apiserver_request_total{verb="GET",${labels},code="404"} 1`));
  assert.ok(metrics.includes(`apiserver_request_duration_seconds_bucket{verb="GET",${labels},le="+Inf"} 1`));
  assert.match(metrics, /apiserver_request_total\{verb="LIST",dry_run="",group="",version="",resource="",/);
  assert.ok(!metrics.includes('things'));
});

test('an open watch is counted while it is open, and what it sends', async () => {
  await using server = await startTestApiServer();
  const maps = '/api/v1/namespaces/default/configmaps';
  const labels =
    'verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="namespace",component="apiserver"';
  {
    using watch = server.watch(`${maps}?watch=true`);
    await server.call('POST', maps, { body: { metadata: { name: 'a' } } });
    await watch.next();
    const metrics = await metricsOf(server);
    assert.ok(metrics.includes(`apiserver_longrunning_requests{${labels}} 1`));
    assert.ok(metrics.includes('apiserver_watch_events_total{group="",version="v1",resource="configmaps"} 1'));
    watch[Symbol.dispose]();
    await watch.ended;
  }
  assert.ok((await metricsOf(server)).includes(`apiserver_longrunning_requests{${labels}} 0`));
});

test('asking for a deprecated version is on record', async () => {
  await using server = await startTestApiServer();
  await server.call('GET', '/api/v1/endpoints');
  const labels = 'group="",version="v1",resource="endpoints",subresource="",removed_release=""';
  assert.ok((await metricsOf(server)).includes(`apiserver_requested_deprecated_apis{${labels}} 1`));
});

test('series: histograms add up, labels are escaped, what is gone is forgotten', () => {
  const family = new Family({ name: 'm', help: 'H', type: 'histogram', labels: ['a', 'b'], buckets: [1, 5] });
  family.of('x"\n', 'y').observe(1);
  family.of('x"\n', 'y').observe(3);
  family.of('x"\n', 'y').observe(9);
  assert.equal(
    family.text(),
    [
      ...[
        '# HELP m H',
        '# TYPE m histogram',
        'm_bucket{a="x\\"\\n",b="y",le="1"} 1',
        'm_bucket{a="x\\"\\n",b="y",le="5"} 2',
      ],
      ...['m_bucket{a="x\\"\\n",b="y",le="+Inf"} 3', 'm_sum{a="x\\"\\n",b="y"} 13', 'm_count{a="x\\"\\n",b="y"} 3', ''],
    ].join('\n'),
  );
  family.forget('x"\n');
  assert.equal(family.text(), '');
});
