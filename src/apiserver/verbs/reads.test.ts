import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '#base/testing';
import { startTestApiServer } from '../testing.ts';

const maps = '/api/v1/namespaces/default/configmaps';

async function start(count: number) {
  const clock = createFakeClock();
  const api = await startTestApiServer({ clock });
  await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } });
  const versions: string[] = [];
  for (let index = 0; index < count; index++) {
    const made = await api.call('POST', maps, { body: { metadata: { name: `m${index}` } } });
    versions.push(made.json.metadata.resourceVersion);
  }
  const names = async (query: string) => {
    const answer = await api.call('GET', `${maps}?${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.items.map((item: { metadata: { name: string } }) => item.metadata.name);
  };
  return { api, clock, versions, names };
}

const refusals: readonly [query: string, code: number, message: string][] = [
  [
    'resourceVersionMatch=Exact',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ],
  [
    'resourceVersionMatch=Exact&resourceVersion=0',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
  ],
  [
    'resourceVersionMatch=Nope&resourceVersion=1',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Nope": supported values: "Exact", "NotOlderThan", ""',
  ],
  [
    'resourceVersionMatch=NotOlderThan&resourceVersion=1&continue=x',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided',
  ],
  [
    'sendInitialEvents=true',
    422,
    'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
  ],
  [
    'watch=1&sendInitialEvents=true',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
  ],
  [
    'watch=1&resourceVersionMatch=NotOlderThan',
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
  ],
  [
    'resourceVersion=abc',
    400,
    'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
  ],
];

test('options that make no sense are refused in upstream’s words', async () => {
  const { api } = await start(0);
  await using _ = api;
  for (const [query, code, message] of refusals) {
    const answer = await api.call('GET', `${maps}?${query}`);
    assert.equal(answer.status, code, `${query}: ${answer.text}`);
    assert.equal(answer.json.message, message, query);
  }
});

test('a list shows exactly the state that it is asked for, and with a limit also when only a version is given', async () => {
  const { api, versions, names } = await start(3);
  await using _ = api;
  await api.call('DELETE', `${maps}/m0`);
  assert.deepEqual(await names(''), ['m1', 'm2']);
  assert.deepEqual(await names(`resourceVersion=${versions[1]}&resourceVersionMatch=Exact`), ['m0', 'm1']);
  assert.deepEqual(await names(`resourceVersion=${versions[1]}&limit=5`), ['m0', 'm1']);
  assert.deepEqual(await names(`resourceVersion=${versions[1]}`), ['m1', 'm2']);
  assert.deepEqual(await names(`resourceVersion=${versions[1]}&resourceVersionMatch=NotOlderThan&limit=1`), ['m1']);
  assert.deepEqual(await names('resourceVersion=0'), ['m1', 'm2']);
});

test('pages show the state of the first one, and say how many follow when no selector hides that', async () => {
  const { api } = await start(5);
  await using _ = api;
  const first = (await api.call('GET', `${maps}?limit=2`)).json;
  assert.equal(first.metadata.remainingItemCount, 3);
  await api.call('POST', maps, { body: { metadata: { name: 'm11' } } });
  await api.call('DELETE', `${maps}/m3`);
  const second = (await api.call('GET', `${maps}?limit=5&continue=${first.metadata.continue}`)).json;
  assert.deepEqual(
    second.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['m2', 'm3', 'm4'],
  );
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.equal('remainingItemCount' in second.metadata, false);
  const hidden = (await api.call('GET', `${maps}?limit=1&labelSelector=!x`)).json;
  assert.ok(hidden.metadata.continue);
  assert.equal('remainingItemCount' in hidden.metadata, false);
});

test('a token whose state is forgotten is answered with 410 and one that goes on with what there is', async () => {
  const { api, clock } = await start(120);
  await using _ = api;
  const first = (await api.call('GET', `${maps}?limit=100`)).json;
  for (const prefix of ['y', 'z']) {
    await clock.advance(10 * 60_000);
    for (let index = 0; index < 110; index++)
      await api.call('POST', maps, { body: { metadata: { name: `${prefix}${index}` } } });
  }
  const late = await api.call('GET', `${maps}?continue=${first.metadata.continue}`);
  assert.equal(late.status, 410);
  assert.equal(late.json.reason, 'Expired');
  assert.match(late.json.message, /^The provided continue parameter is too old to display a consistent list result/);
  const rest = await api.call('GET', `${maps}?continue=${late.json.metadata.continue}`);
  assert.equal(rest.status, 200, rest.text);
  assert.equal(rest.json.items.length, 240);
  const old = await api.call('GET', `${maps}?resourceVersion=2&resourceVersionMatch=Exact`);
  assert.equal(old.status, 410);
  assert.equal(old.json.message, 'The resourceVersion for the provided list is too old.');
  using watch = api.watch(`${maps}?watch=1&resourceVersion=2`);
  const event = await watch.next();
  assert.equal(event.type, 'ERROR');
  assert.equal(event.object.code, 410);
});

test('a state of the future is waited for, then refused with a time to come again', async () => {
  const { api, clock } = await start(1);
  await using _ = api;
  for (const path of [`${maps}?resourceVersion=999`, `${maps}/m0?resourceVersion=999`]) {
    const asked = api.call('GET', path);
    await new Promise(resolve => setImmediate(resolve));
    await clock.advance(3001);
    const answer = await asked;
    assert.equal(answer.status, 504);
    assert.equal(answer.json.reason, 'Timeout');
    assert.match(answer.json.message, /^Timeout: Too large resource version: 999, current: \d+$/);
    assert.equal(answer.json.details.retryAfterSeconds, 1);
    assert.deepEqual(answer.json.details.causes, [
      { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' },
    ]);
  }
});

test('a watch list ends its beginning with a marked bookmark, and one before its own end', async () => {
  const { api, clock } = await start(2);
  await using _ = api;
  const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=30';
  using watch = api.watch(`${maps}?watch=1&${query}`);
  const types = [(await watch.next()).type, (await watch.next()).type];
  assert.deepEqual(types, ['ADDED', 'ADDED']);
  const mark = await watch.next();
  assert.equal(mark.type, 'BOOKMARK');
  assert.deepEqual(mark.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  await clock.advance(28_001);
  const last = await watch.next();
  assert.equal(last.type, 'BOOKMARK');
  assert.equal(last.object.metadata.annotations, undefined);
  await clock.advance(2000);
  await watch.ended;
});

test('selectors make an object come and go', async () => {
  const { api } = await start(1);
  await using _ = api;
  using watch = api.watch(`${maps}?watch=1&labelSelector=on`);
  const set = (labels: object) =>
    api.call('PATCH', `${maps}/m0`, {
      body: { metadata: { labels } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
  await set({ on: '1' });
  const came = await watch.next();
  assert.equal(came.type, 'ADDED');
  await set({ on: '2' });
  assert.equal((await watch.next()).type, 'MODIFIED');
  const left = await set({ on: null });
  const gone = await watch.next();
  assert.equal(gone.type, 'DELETED');
  assert.equal(gone.object.metadata.labels.on, '2');
  assert.equal(gone.object.metadata.resourceVersion, left.json.metadata.resourceVersion);
});

test('a watch from a version that is still to come shows nothing older', async () => {
  const { api, versions } = await start(1);
  await using _ = api;
  using watch = api.watch(`${maps}?watch=1&resourceVersion=${Number(versions[0]) + 1}`);
  await new Promise(resolve => setImmediate(resolve));
  await api.call('POST', maps, { body: { metadata: { name: 'skipped' } } });
  await api.call('POST', maps, { body: { metadata: { name: 'seen' } } });
  assert.equal((await watch.next()).object.metadata.name, 'seen');
});
