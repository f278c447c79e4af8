import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyntaxProblem } from './json.ts';
import { parseYaml } from './yaml.ts';

test('whatever is nested too deep is refused, however it is written', () => {
  const deep = 12_000;
  for (const text of [
    `a${': '.repeat(deep)}`,
    '- '.repeat(deep),
    '['.repeat(deep),
    '{"a":'.repeat(deep),
    `? ${'? '.repeat(deep)}`,
  ]) {
    assert.throws(
      () => parseYaml(text),
      (error: Error) => error instanceof SyntaxProblem,
      text.slice(0, 10),
    );
  }
});

test('keys are texts: others are refused before anything is made of them', { timeout: 5000 }, () => {
  for (const text of ['? '.repeat(500), '? [a]\n: b', '? {a: b}\n: c', '[a]: b', 'a: &x {b: c}\n*x : d\n']) {
    assert.throws(
      () => parseYaml(text),
      /error converting YAML to JSON: yaml: (invalid map key: a (map|list)|line \d+: )/,
    );
  }
  assert.deepEqual(parseYaml('? a\n: b\n1: 2\ntrue: 3\n').value, { a: 'b', 1: 2, true: 3 });
});

test('keys that stand twice are told, anchors are followed, too many aliases are not', () => {
  const { value, duplicates } = parseYaml('a: &x 1\nb: *x\na: 2\n');
  assert.deepEqual(value, { a: 2, b: 1 });
  assert.match(duplicates[0] ?? '', /line 3: key "a" already set in map/);
  const bomb = `a: &a [x]\n${'bcdefgh'
    .split('')
    .map((name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(9)}]`)
    .join('\n')}`;
  assert.throws(() => parseYaml(bomb), /document contains excessive aliasing/);
});

test('neither many errors nor many keys take the square of their number', () => {
  const start = process.cpuUsage();
  for (const piece of [']', '}', '[]', '"\n', '--- a\n']) {
    assert.throws(() => parseYaml(piece.repeat(1_000_000 / piece.length)), SyntaxProblem, piece);
  }
  const count = 100_000;
  const keys = Array.from({ length: count }, (_, index) => `k${index}: ${index}`).join('\n');
  const { value, duplicates } = parseYaml(`${keys}\nk7: x\n`);
  assert.equal(Object.keys(value as object).length, count);
  assert.match(duplicates[0] ?? '', /line 100001: key "k7" already set in map$/);
  // It takes one second; the square took minutes.
  const { user, system } = process.cpuUsage(start);
  assert.ok(user + system < 20_000_000, `${user + system} microseconds`);
});

test('a key that stands twice is named by its own place, also after one without a value', () => {
  assert.match(parseYaml('a: \n"a": 3\n').duplicates[0] ?? '', /line 2: key "a" already set in map$/);
});
