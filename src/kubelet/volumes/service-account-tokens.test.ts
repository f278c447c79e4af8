import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '#base/testing';
import type { Client } from '#client';
import { aPod } from '../testing.ts';
import { createServiceAccountTokens } from './service-account-tokens.ts';

const [minute, hour] = [60_000, 3_600_000];

/** A server that makes tokens `t1`, `t2`, ... and keeps what was asked. */
function setUp() {
  const clock = createFakeClock();
  const asked: { namespace: string; name: string; spec: Record<string, unknown> }[] = [];
  const state = { down: false };
  const create = async (
    _: unknown,
    body: { metadata: { namespace: string; name: string }; spec: Record<string, unknown> },
  ) => {
    if (state.down) throw new Error('no route to host');
    asked.push({ ...body.metadata, spec: body.spec });
    const expiresAt = clock.now() + Number(body.spec['expirationSeconds']) * 1000;
    return { status: { token: `t${asked.length}`, expirationTimestamp: new Date(expiresAt).toISOString() } };
  };
  const tokens = createServiceAccountTokens({ client: { create } as unknown as Client, clock });
  return { clock, asked, state, tokens };
}

test('a token is asked for the pod’s account, its audience and its time, bound to the pod', async () => {
  const { tokens, asked } = setUp();
  const pod = aPod({ serviceAccountName: 'robot' });
  await tokens.token(pod, { path: 'x', audience: 'vault', expirationSeconds: 600 });
  await tokens.token(aPod(), { path: 'y' });
  assert.deepEqual(asked[0], {
    ...{ namespace: 'default', name: 'robot' },
    spec: {
      ...{ audiences: ['vault'], expirationSeconds: 600 },
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'uid-1' },
    },
  });
  assert.deepEqual(
    [asked[1]!.name, asked[1]!.spec['audiences'], asked[1]!.spec['expirationSeconds']],
    ['default', [], 3600],
  );
});

test('a token is used until four fifths of its time are over', async () => {
  const { tokens, clock } = setUp();
  const ask = () => tokens.token(aPod(), { path: 'x' });
  assert.equal(await ask(), 't1');
  assert.equal(tokens.nextRenewalMs('uid-1'), clock.now() + 48 * minute);
  await clock.advance(47 * minute);
  assert.equal(await ask(), 't1');
  await clock.advance(2 * minute);
  assert.equal(await ask(), 't2');
});

test('a token is not used for more than a day', async () => {
  const { tokens, clock } = setUp();
  await tokens.token(aPod(), { path: 'x', expirationSeconds: 7 * 24 * 3600 });
  assert.equal(tokens.nextRenewalMs('uid-1'), clock.now() + 24 * hour);
});

test('a token that still holds is used while no new one can be had', async () => {
  const { tokens, clock, state } = setUp();
  const ask = () => tokens.token(aPod(), { path: 'x' });
  await ask();
  state.down = true;
  await clock.advance(59 * minute);
  assert.equal(await ask(), 't1');
  await clock.advance(2 * minute);
  await assert.rejects(ask(), { message: 'no route to host' });
});

test('a forgotten pod gets a new token', async () => {
  const { tokens } = setUp();
  await tokens.token(aPod(), { path: 'x' });
  tokens.forget('uid-1');
  assert.equal(tokens.nextRenewalMs('uid-1'), undefined);
  assert.equal(await tokens.token(aPod(), { path: 'x' }), 't2');
});
