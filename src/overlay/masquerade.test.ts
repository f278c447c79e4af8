import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeNft } from '#host/testing';
import { ensureMasquerade, formatMasquerade, removeMasquerade } from './masquerade.ts';

test('the transaction replaces the own table and names no other', () => {
  assert.equal(
    formatMasquerade(['10.42.0.0/16', 'fd00:42::/56']),
    `add table inet wherry-overlay
delete table inet wherry-overlay
add table inet wherry-overlay
add chain inet wherry-overlay postrouting { type nat hook postrouting priority srcnat; policy accept; }
add rule inet wherry-overlay postrouting oifname "wherry.vxlan" ip saddr != { 10.42.0.0/16 } masquerade fully-random
add rule inet wherry-overlay postrouting ip saddr { 10.42.0.0/16 } ip daddr != { 10.42.0.0/16, 224.0.0.0/4, 169.254.0.0/16 } masquerade fully-random
`,
  );
});

test('a cluster without an IPv4 range masquerades nothing', () => {
  assert.doesNotMatch(formatMasquerade(['fd00:42::/56']), /add rule/);
});

test('a standing table is left alone; removing takes only ours, and once', async () => {
  const nft = createFakeNft();
  nft.known.set('inet wherry-proxy', { family: 'inet', name: 'wherry-proxy' });
  assert.equal(await ensureMasquerade(nft, ['10.42.0.0/16']), true);
  assert.equal(await ensureMasquerade(nft, ['10.42.0.0/16']), false);
  await removeMasquerade(nft);
  await removeMasquerade(nft);
  assert.equal(nft.transactions.length, 2);
  assert.deepEqual([...nft.known.keys()], ['inet wherry-proxy']);
});
