import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, folderOf, prefixEnd } from './key.ts';

const text = fc.string({ unit: 'binary', maxLength: 6 }).filter(value => value.isWellFormed());

test('keys compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('U+E000 to U+FFFF sort before surrogate pairs', () => {
  assert.deepEqual(['\u{10000}', '\uffff', '\ud7ff', '\ue000', '\u{10ffff}'].sort(compareKeys), [
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
  ]);
});

test('prefixEnd sorts after everything with the prefix and not after anything else behind it', () => {
  fc.assert(
    fc.property(text, text, (prefix, key) => {
      const end = prefixEnd(prefix);
      const inside = compareKeys(key, prefix) >= 0 && (end === undefined || compareKeys(key, end) < 0);
      assert.equal(inside, key.startsWith(prefix));
      assert.ok(end === undefined || compareKeys(prefix + key, end) < 0);
    }),
  );
});

test('prefixEnd steps over surrogates and drops what cannot be incremented', () => {
  assert.equal(prefixEnd('a\ud7ff'), 'a\ue000');
  assert.equal(prefixEnd('a\uffff'), 'a\u{10000}');
  assert.equal(prefixEnd('a\u{10ffff}'), 'b');
  assert.equal(prefixEnd('\u{10ffff}'), undefined);
  assert.equal(prefixEnd(''), undefined);
});

test('the folder of a key ends at its last slash', () => {
  assert.deepEqual(['/a/b/c', '/a/', 'a'].map(folderOf), ['/a/b/', '/a/', '']);
});
