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
  for (const text of ['? '.repeat(500), '? [a]\n: b', '? {a: b}\n: c', '[a]: b']) {
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
