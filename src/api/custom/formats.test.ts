import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTest } from './formats.ts';

const table: [string, string[], string[]][] = [
  [
    'date-time',
    ['2014-12-15T19:30:20.000Z', '2026-01-01T00:00:00+01:00'],
    ['2014-12-15', '2014-13-01T00:00:00Z', 'now', '2014-12-15T25:00:00Z'],
  ],
  ['date', ['2006-01-02', '2024-02-29'], ['2006-1-2', '2023-02-29', '2006-13-01']],
  ['email', ['a@b.c', 'A B <a@b.c>', '"x y"@z'], ['a', '@b', 'a@', 'a b@c', 'a@b, c@d']],
  ['hostname', ['a', 'a.example.com', 'a-b.c'], ['-a', 'a-', 'a..b', `${'a'.repeat(64)}.b`, 'a b']],
  ['ipv4', ['10.0.0.1'], ['10.0.0', '::1', '10.0.0.256']],
  ['ipv6', ['::1', 'fe80::1'], ['10.0.0.1', 'fe80::1%eth0', ':::']],
  ['cidr', ['10.0.0.0/8', '::/0'], ['10.0.0.0', '10.0.0.0/33', 'a/8', '10.0.0.0/08']],
  [
    'mac',
    ['01:23:45:67:89:ab', '01-23-45-67-89-AB', '0123.4567.89ab'],
    ['01:23', '01:23-45:67:89:ab', 'xx:23:45:67:89:ab'],
  ],
  ['uri', ['http://example.com/x?y#z', '/a/b', 'mailto:a'], ['', 'a b', 'example', 'http://[::1', '%zz:']],
  [
    'uuid',
    ['aaaaaaaa-AAAA-aaaa-aaaa-aaaaaaaaaaaa', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['x', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaa'],
  ],
  ['uuid3', ['aaaaaaaa-aaaa-3aaa-aaaa-aaaaaaaaaaaa'], ['aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa']],
  ['uuid4', ['aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa'], ['aaaaaaaa-aaaa-4aaa-caaa-aaaaaaaaaaaa']],
  ['uuid5', ['aaaaaaaa-aaaa-5aaa-8aaa-aaaaaaaaaaaa'], ['aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa']],
  ['isbn', ['0321751043', '978-0321751041'], ['0321751044', '978-0321751042', 'x']],
  ['isbn10', ['0321751043', '3-8362-2119-5'], ['978-0321751041']],
  ['isbn13', ['978-0321751041'], ['0321751043']],
  ['creditcard', ['4111-1111-1111-1111', '5105105105105100'], ['4111-1111-1111-1112', '1234']],
  ['ssn', ['111-11-1111', '111 11 1111'], ['111-1-1111']],
  ['hexcolor', ['#FFFFFF', 'fff'], ['#ffff', 'red']],
  ['rgbcolor', ['rgb(255, 0,1)'], ['rgb(256,0,0)', 'rgb(1,2)']],
  ['byte', ['', 'YQ==', 'YWFh'], ['YQ', 'Y$==', 'YQ===']],
  ['bsonobjectid', ['507f1f77bcf86cd799439011'], ['507f']],
  ['duration', ['1h30m', '22 ns', '0', '1.5s', '5 minutes'], ['', '5', '1 year', 'h']],
  ['quantity', ['10Gi', '1.5'], ['x', '10GiB']],
  ['k8s-short-name', ['a-1'], ['A', '-a', 'a'.repeat(64), 'a.b']],
  ['k8s-long-name', ['a.b-1'], ['a..b', 'A', 'a'.repeat(254)]],
  ['password', ['anything'], []],
];
for (const [format, right, wrong] of table) {
  test(`format ${format} tells right from wrong`, () => {
    const check = formatTest(format)!;
    for (const text of right) assert.equal(check(text), true, text);
    for (const text of wrong) assert.equal(check(text), false, text);
  });
}

test('formats take no time over hostile texts', () => {
  const texts = [
    'a'.repeat(100_000),
    `${'a.'.repeat(50_000)}!`,
    `${'a-'.repeat(50_000)}!`,
    `"${'\\"'.repeat(50_000)}`,
    '1'.repeat(100_000),
    '0h'.repeat(50_000),
    ' '.repeat(100_000),
    `${'0000.'.repeat(20_000)}x`,
  ];
  for (const [format] of table) {
    for (const text of texts) {
      const before = process.hrtime.bigint();
      formatTest(format)!(text);
      const took = Number(process.hrtime.bigint() - before) / 1e6;
      assert.ok(took < 500, `${format} took ${took} ms for ${JSON.stringify(text.slice(0, 10))}`);
    }
  }
});
