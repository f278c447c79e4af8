import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeJsonProblem } from './json-syntax.ts';

const end = 'unexpected end of JSON input';

/** Texts and what Go's encoding/json says of them. */
const cases: readonly (readonly [text: string, problem: string])[] = [
  ['', end],
  ['  ', end],
  ['{', end],
  ['{"a"', end],
  ['[1,2', end],
  ['"abc', end],
  ['"\\u12', end],
  ['-', end],
  ['1.', end],
  ['tru', end],
  ['{"a":1}x', "invalid character 'x' after top-level value"],
  ['{} {', "invalid character '{' after top-level value"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['nope', "invalid character 'o' in literal null (expecting 'u')"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['"\u0001"', "invalid character '\\x01' in string literal"],
  ['"\\x"', "invalid character 'x' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['-a', "invalid character 'a' in numeric literal"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['1e+x', "invalid character 'x' in exponent of numeric literal"],
];

for (const [text, problem] of cases) {
  test(`${JSON.stringify(text)} is no JSON: ${problem}`, () => {
    assert.throws(() => JSON.parse(text), SyntaxError);
    assert.equal(describeJsonProblem(text), problem);
  });
}

test('depth costs no stack', () => {
  assert.equal(describeJsonProblem('{"a":['.repeat(100_000)), end);
});
