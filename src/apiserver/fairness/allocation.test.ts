import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LevelShares, nominalLimits, shareOut } from './allocation.ts';
import { bootstrapLevels } from './bootstrap-objects.ts';

const level = (name: string, shares: number, lendablePercent: number, borrowingLimitPercent?: number): LevelShares => ({
  ...{ name, shares, lendablePercent, borrowingLimitPercent, isExempt: false },
});

const bootstrap = bootstrapLevels.map(({ metadata, spec }) => ({
  name: metadata.name,
  isExempt: spec.type === 'Exempt',
  shares: spec.limited?.nominalConcurrencyShares ?? 0,
  lendablePercent: spec.limited?.lendablePercent ?? 0,
  borrowingLimitPercent: undefined,
}));

test('600 seats are divided among the bootstrap levels as upstream documents it', () => {
  const nominal = Object.fromEntries(
    [...nominalLimits(bootstrap, 600)].map(([name, { nominal: seats }]) => [name, seats]),
  );
  assert.deepEqual(nominal, {
    ...{ exempt: 0, 'catch-all': 13, system: 74, 'node-high': 98, 'leader-election': 25 },
    ...{ 'workload-high': 98, 'workload-low': 245, 'global-default': 49 },
  });
});

test('a level lends at most its percentage and borrows at most what its limit or the others allow', () => {
  const limits = nominalLimits([level('a', 1, 50), level('b', 1, 20, 25)], 100);
  assert.deepEqual(limits.get('a'), { nominal: 50, min: 25, max: 60 });
  assert.deepEqual(limits.get('b'), { nominal: 50, min: 40, max: 63 });
});

test('idle seats go to those who want them, and back when their owner does', () => {
  const limits = nominalLimits([level('busy', 1, 50), level('idle', 1, 50)], 100);
  const claim = (name: string, wanted: number) => ({
    ...limits.get(name)!,
    ...{ name, isExempt: false, demand: { highest: wanted, smooth: wanted } },
  });
  const lent = shareOut([claim('busy', 90), claim('idle', 0)], 100).current;
  assert.deepEqual([lent.get('busy'), lent.get('idle')], [75, 25]);
  const even = shareOut([claim('busy', 90), claim('idle', 90)], 100).current;
  assert.deepEqual([even.get('busy'), even.get('idle')], [50, 50]);
});

test('what exempt requests take is taken from the others, down to one seat each', () => {
  const limits = nominalLimits([level('a', 1, 0), level('b', 1, 0)], 10);
  const claims = ['a', 'b'].map(name => ({
    ...limits.get(name)!,
    ...{ name, isExempt: false, demand: { highest: 5, smooth: 5 } },
  }));
  const exempt = { name: 'exempt', isExempt: true, nominal: 0, min: 0, max: 0, demand: { highest: 20, smooth: 20 } };
  const { current } = shareOut([exempt, ...claims], 10);
  assert.deepEqual(Object.fromEntries(current), { exempt: 20, a: 1, b: 1 });
});
