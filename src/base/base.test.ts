import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from './index.ts';
import {
  backoffMs,
  cidrAddress,
  cidrContains,
  cidrIndex,
  cidrSize,
  cidrSubnet,
  createLog,
  createMeter,
  createRandom,
  createSystemClock,
  formatCidr,
  formatLogJson,
  formatLogText,
  formatMicroTime,
  formatTime,
  parseCidr,
} from './index.ts';
import { createFakeClock } from './testing.ts';

test('a range knows its addresses', () => {
  const cidr = parseCidr('10.42.7.9/16')!;
  assert.equal(formatCidr(cidr), '10.42.0.0/16');
  assert.equal(cidrSize(cidr), 65536n);
  assert.equal(cidrAddress(cidr, 258), '10.42.1.2');
  assert.equal(cidrIndex(cidr, '10.42.1.2'), 258n);
  assert.equal(cidrContains(cidr, '10.43.0.1'), false);
  assert.equal(formatCidr(cidrSubnet(cidr, 24, 3)), '10.42.3.0/24');
});

test('IPv6 ranges work alike, and families do not mix', () => {
  const cidr = parseCidr('fd00:1::/64')!;
  assert.equal(cidrAddress(cidr, 10), 'fd00:1::a');
  assert.equal(cidrContains(cidr, '10.0.0.1'), false);
});

for (const bad of ['10.42.0.0', '10.42.0.0/33', '300.1.1.1/8', 'x', '']) {
  test(`${JSON.stringify(bad)} is no range`, () => assert.equal(parseCidr(bad), undefined));
}

test('an address or subnet outside the range is an error', () => {
  const cidr = parseCidr('10.0.0.0/30')!;
  assert.throws(() => cidrAddress(cidr, 4), RangeError);
  assert.throws(() => cidrSubnet(cidr, 29, 0), RangeError);
});

test('a delay doubles up to its limit', () => {
  const delays = [0, 1, 2, 9].map(attempt => backoffMs({ firstMs: 10, maxMs: 100 }, attempt));
  assert.deepEqual(delays, [10, 20, 40, 100]);
});

test('a fake clock fires timers in order and only when they are due', async () => {
  const clock = createFakeClock();
  const fired: string[] = [];
  clock.timer(20, () => fired.push('late'));
  clock.timer(10, () => fired.push('early'));
  clock.timer(15, () => fired.push('never'))[Symbol.dispose]();
  await clock.advance(10);
  assert.deepEqual(fired, ['early']);
  await clock.advance(10);
  assert.deepEqual(fired, ['early', 'late']);
  assert.equal(clock.pending, 0);
});

test('an aborted sleep rejects at once and leaves no timer', async () => {
  const clock = createFakeClock();
  const abort = new AbortController();
  const sleep = clock.sleep(1000, abort.signal);
  abort.abort(new Error('stopped'));
  await assert.rejects(sleep, { message: 'stopped' });
  assert.equal(clock.pending, 0);
});

test('the system clock sleeps, and does not start when already aborted', async () => {
  const clock = createSystemClock();
  const before = clock.monotonicMs();
  await clock.sleep(5);
  assert.ok(clock.monotonicMs() - before >= 4);
  await assert.rejects(clock.sleep(1, AbortSignal.abort(new Error('no'))), { message: 'no' });
});

test('times are written as the API writes them', () => {
  const at = Date.UTC(2026, 10, 23, 1, 2, 3, 45);
  assert.equal(formatTime(at), '2026-11-23T01:02:03Z');
  assert.equal(formatMicroTime(at), '2026-11-23T01:02:03.045000Z');
});

test('a log line carries component and fields, and lower levels are left out', () => {
  const records: LogRecord[] = [];
  const log = createLog({ level: 'info', now: () => 0, write: record => records.push(record) });
  const child = log.child('kubelet', { node: 'a' });
  child.debug('unseen');
  child.warn('cannot pull', { image: 'x:1', error: new Error('refused') });
  assert.equal(records.length, 1);
  assert.equal(
    formatLogText(records[0]!),
    '1970-01-01T00:00:00.000Z warn  kubelet: cannot pull node=a image=x:1 error=refused\n',
  );
  assert.equal(JSON.parse(formatLogJson(records[0]!)).error, 'refused');
});

test('two meters share nothing, and one name is one series', async () => {
  const [one, other] = [createMeter(), createMeter()];
  one.counter({ name: 'things_total', help: 'things' }).add();
  one.counter({ name: 'things_total', help: 'things' }).add({}, 2);
  assert.match(await one.text(), /^things_total 3$/m);
  assert.equal((await other.text()).includes('things_total'), false);
});

test('generated suffixes use the alphabet without vowels', () => {
  const random = createRandom();
  assert.match(random.suffix(200), /^[bcdfghjklmnpqrstvwxz2456789]{200}$/);
  assert.notEqual(random.uuid(), random.uuid());
});
