import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestApiServer } from '../testing.ts';

async function setUp() {
  const state: { problem: string | undefined } = { problem: undefined };
  const server = await startTestApiServer({
    postStartHooks: ['rbac/bootstrap-roles'],
    extend: () => ({ health: [{ name: 'extra', isLive: false, check: () => state.problem }] }),
  });
  server.server.finishHook('rbac/bootstrap-roles');
  return { server, state, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test('what is well is told in one word, and at length on request', async () => {
  await using set = await setUp();
  assert.equal((await set.server.call('GET', '/readyz')).text, 'ok');
  assert.equal(
    (await set.server.call('GET', '/livez?verbose')).text,
    '[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]poststarthook/rbac/bootstrap-roles ok\nlivez check passed\n',
  );
});

test('a failing check is named without its reason; /livez and one check alone do not mind', async () => {
  await using set = await setUp();
  set.state.problem = 'a secret reason';
  const ready = await set.server.call('GET', '/readyz');
  assert.equal(ready.status, 500);
  assert.match(ready.text, /^\[\+\]ping ok\n(.*\n)*\[-\]extra failed: reason withheld\n(.*\n)*readyz check failed\n$/);
  assert.ok(!ready.text.includes('secret'));
  assert.equal((await set.server.call('GET', '/livez')).status, 200);
  assert.equal((await set.server.call('GET', '/readyz?exclude=extra')).text, 'ok');
  assert.equal((await set.server.call('GET', '/readyz/ping')).text, 'ok');
  const alone = await set.server.call('GET', '/readyz/extra');
  assert.deepEqual([alone.status, alone.text], [500, 'internal server error: reason withheld\n']);
  assert.equal((await set.server.call('GET', '/livez/extra')).status, 404);
  assert.match(
    (await set.server.call('GET', '/metrics/slis')).text,
    /^kubernetes_healthcheck\{name="extra",type="readyz"\} 0$/m,
  );
});

test('a hook that is not done is a failing check', async () => {
  await using server = await startTestApiServer({ postStartHooks: ['bootstrap-controller'] });
  assert.equal((await server.call('GET', '/livez/poststarthook/bootstrap-controller')).status, 500);
  server.server.finishHook('bootstrap-controller');
  assert.equal((await server.call('GET', '/livez/poststarthook/bootstrap-controller')).status, 200);
});

test('a server that is about to stop is not ready, but alive and answering', async () => {
  await using server = await startTestApiServer();
  server.server.beginShutdown();
  assert.match((await server.call('GET', '/readyz')).text, /\[-\]shutdown failed/);
  assert.equal((await server.call('GET', '/livez')).status, 200);
  assert.equal((await server.call('GET', '/api/v1/pods')).status, 200);
});
