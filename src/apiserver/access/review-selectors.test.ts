import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SubjectAccessReviewSpec } from '#api';
import { createFakeClock } from '#base/testing';
import type { Attributes } from '../access.ts';
import { createAuthorization } from './authorize.ts';
import { createReviews } from './reviews.ts';
import { createFakeReader } from './testing.ts';

const node = { user: 'system:node:n1', groups: ['system:nodes'] };
const list = { verb: 'list', version: 'v1', resource: 'pods' };

async function ask(resourceAttributes: object) {
  using authorization = createAuthorization(createFakeReader());
  const reviews = createReviews({
    authorization,
    tokens: async () => undefined,
    audiences: [],
    clock: createFakeClock(),
  });
  const spec = { ...node, resourceAttributes: { ...list, ...resourceAttributes } } as SubjectAccessReviewSpec;
  const object = { metadata: {}, spec } as never;
  const answer = await reviews['subjectaccessreviews.authorization.k8s.io']!(object, { name: 'a', groups: [] });
  return (answer as unknown as { status: { allowed: boolean } }).status.allowed;
}

test('a review with a selector is answered as the request with it would be', async () => {
  const requirement = (operator: string, ...values: string[]) => ({
    fieldSelector: { requirements: [{ key: 'spec.nodeName', operator, values }] },
  });
  assert.equal(await ask({}), false);
  assert.equal(await ask(requirement('In', 'n1')), true);
  assert.equal(await ask(requirement('In', 'n2')), false);
  assert.equal(await ask(requirement('In', 'n1', 'n2')), false);
  assert.equal(await ask(requirement('NotIn', 'n1')), false);
  assert.equal(await ask(requirement('In', 'n2,spec.nodeName=n1')), false, 'a value is no selector');
  assert.equal(await ask({ fieldSelector: { rawSelector: 'spec.nodeName=n1' } }), true);
  const hidden = 'status.phase!=x\\,spec.nodeName=n1';
  assert.equal(await ask({ fieldSelector: { rawSelector: hidden } }), false, 'inside of a value');
});

const wrong: readonly (readonly [object, RegExp])[] = [
  [{}, /fieldSelector\.requirements: Required value: when spec\.resourceAttributes\.fieldSelector is specified/],
  [
    { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'Exists' }] },
    /rawSelector: Invalid value: "a=b": may not/,
  ],
  [{ requirements: [{ key: '', operator: 'Exists' }] }, /requirements\[0\]\.key: Required value: must be specified/],
  [
    { requirements: [{ key: 'a', operator: 'In' }] },
    /values: Required value: must be specified when `operator` is 'In'/,
  ],
  [{ requirements: [{ key: 'a', operator: 'Exists', values: ['x'] }] }, /values: Forbidden: may not be specified/],
];

test('selectors that make no sense are refused', async () => {
  for (const [fieldSelector, expected] of wrong) await assert.rejects(ask({ fieldSelector }), expected);
  assert.equal(await ask({ fieldSelector: { requirements: [{ key: 'a', operator: 'Near', values: ['x'] }] } }), false);
});

test('rules that somebody has are not told as all when an authorizer cannot list them', () => {
  const webhook = (_: Attributes) => ({ verdict: 'no-opinion' as const, reason: '' });
  using authorization = createAuthorization(createFakeReader(), () => ['Node', webhook, 'RBAC']);
  const plain = authorization.rulesFor({ name: 'jane', groups: [] }, 'team');
  assert.equal(plain.incomplete, true);
  assert.equal(plain.evaluationError, 'webhook authorizer does not support user rule resolution');
  using usual = createAuthorization(createFakeReader());
  assert.equal(usual.rulesFor({ name: 'jane', groups: [] }, 'team').incomplete, false);
  const kubelet = { name: node.user, groups: node.groups };
  assert.equal(
    usual.rulesFor(kubelet, 'team').evaluationError,
    'node authorizer does not support user rule resolution',
  );
});
