import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { createRandom } from '#base';
import { createFakeClock } from '#base/testing';
import { createFakeClient } from '#client/testing';
import { createBootstrapToken, deleteBootstrapToken, isBootstrapToken, listBootstrapTokens } from './join-tokens.ts';
import { formatBootstrapToken, formatToken, parseToken } from './token.ts';

test('a token in full names the authority, a short one is the secret', () => {
  const full = formatToken({ authority: 'pem', user: 'server', secret: 'x:y' });
  assert.deepEqual({ ...parseToken(full), caHash: undefined }, { caHash: undefined, user: 'server', secret: 'x:y' });
  assert.match(parseToken(full)!.caHash!, /^[0-9a-f]{64}$/);
  const bootstrap = formatBootstrapToken({ authority: 'pem', id: 'abcdef', secret: '0123456789abcdef' });
  assert.deepEqual([parseToken(bootstrap)!.user, parseToken(bootstrap)!.secret], ['abcdef', '0123456789abcdef']);
  assert.deepEqual(parseToken('hush'), { caHash: undefined, user: 'server', secret: 'hush' });
  assert.equal(parseToken('K10abc::server:x'), undefined);
  assert.equal(parseToken('  '), undefined);
});

test('a bootstrap token joins until it expires or is deleted, and only with its secret', async () => {
  const clock = createFakeClock(1_000_000);
  const client = createFakeClient();
  const { id, secret } = await createBootstrapToken(client, {
    ttlMs: 60_000,
    description: 'shop',
    clock,
    random: createRandom(),
  });
  // The fake stores objects as they come; the server makes data of stringData.
  const stored = await client.get(resources.secrets, { namespace: 'kube-system', name: `bootstrap-token-${id}` });
  stored.data = Object.fromEntries(
    Object.entries(stored.stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  await client.update(resources.secrets, stored);
  const allowed = (given: string) => isBootstrapToken(client, { id, secret: given, nowMs: clock.now() });
  assert.equal(await allowed(secret), true);
  assert.equal(await allowed('0'.repeat(16)), false);
  assert.deepEqual(
    (await listBootstrapTokens(client)).map(token => [token.id, token.expires?.getTime(), token.description]),
    [[id, clock.now() + 60_000, 'shop']],
  );
  await clock.advance(60_001);
  assert.equal(await allowed(secret), false);
  assert.equal(await deleteBootstrapToken(client, id), true);
  assert.equal(await deleteBootstrapToken(client, id), false);
  assert.equal(await isBootstrapToken(client, { id: '../..', secret, nowMs: 0 }), false);
});
