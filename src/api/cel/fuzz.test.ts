import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CelCompileError, CelError, compileCel } from './index.ts';
import { dynType, intType, listType, mapType, stringType } from './types.ts';

/** A small generator with a fixed seed: a failure can be run again. */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return sides => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const atoms = (
  '1|-1|0|2u|1.5|9223372036854775807|"a"|"é👍"|b"x"|true|null|[1, 2]|["a", "b"]|{"a": 1}|self|self.a|self.list|text|number|x|' +
  'optional.of(1)|timestamp("2024-01-01T00:00:00Z")|duration("1h")|quantity("1Gi")|ip("::1")|type(1)|[]|{}|semver("1.2.3")'
).split('|');
const shapes = (
  '(_ + _)|(_ - _)|(_ * _)|(_ / _)|(_ % _)|(_ == _)|(_ != _)|(_ < _)|(_ >= _)|(_ && _)|(_ || _)|!_|-_|(_ ? _ : _)|_[_]|_[?_]|_.a|_.?a|has(_.a)|(_ in _)|' +
  'dyn(_)|string(_)|int(_)|size(_)|_.size()|_.all(x, _)|_.exists(x, _)|_.map(x, _)|_.filter(x, _)|_.exists_one(x, _)|_.transformMap(k, x, _)|' +
  '_.transformList(i, x, _)|_.matches(_)|_.split(_)|_.replace(_, _)|_.join(_)|_.sum()|_.sort()|_.distinct()|_.flatten()|_.orValue(_)|_.optMap(x, _)|' +
  '_.find(_)|_.substring(_)|_.indexOf(_)|_.format([_])|_.getHours()|sets.contains(_, _)|[_, _]|{_: _}|cel.bind(x, _, _)|lists.range(_)|_.sortBy(x, _)'
).split('|');

function expression(dice: (sides: number) => number, depth: number): string {
  if (depth === 0 || dice(6) === 0) return atoms[dice(atoms.length)]!;
  return shapes[dice(shapes.length)]!.replace(/_(?![a-z])/g, () => expression(dice, depth - 1));
}

const noise = '()[]{}.,?:+-*/%<>=!&|"\'`\\ \n0a_é#\u0000\ud83d'.split('');

/** Takes out, doubles or puts in a piece. */
function mutate(dice: (sides: number) => number, text: string): string {
  let result = text;
  for (let round = dice(3); round >= 0; round--) {
    const at = dice(result.length + 1);
    const piece = [noise[dice(noise.length)]!, result.slice(at, at + dice(8)), ''][dice(3)]!;
    result = result.slice(0, at) + piece + result.slice(at + dice(3));
  }
  return result;
}

const variables = {
  self: dynType,
  text: stringType,
  number: intType,
  list: listType(intType),
  map: mapType(stringType, dynType),
};
const values = {
  self: { a: { a: [1, 'b', null] }, list: [3, 1, 2] },
  text: 'some text',
  number: 7,
  list: [1],
  map: {},
};

/** Compiles and runs; anything but CEL's own errors fails the test. Answers whether it compiled. */
function survives(source: string): boolean {
  let compiled = false;
  try {
    const program = compileCel(source, { variables });
    compiled = true;
    const { min, max } = program.estimateCost();
    assert.ok(min >= 0 && max >= min, `estimate ${min}..${max} of ${source}`);
    program.evaluate(values, { costLimit: 20_000 });
  } catch (error) {
    if (!(error instanceof CelCompileError) && !(error instanceof CelError)) throw new Error(source, { cause: error });
  }
  return compiled;
}

describe('random expressions', () => {
  it('end in a value or in an error of CEL, in bounded time', () => {
    const dice = createDice(20_261_123);
    let compiled = 0;
    let slowestMs = 0;
    for (let round = 0; round < 4000; round++) {
      const source = expression(dice, 1 + dice(4));
      const start = performance.now();
      if (survives(source)) compiled++;
      survives(mutate(dice, source));
      slowestMs = Math.max(slowestMs, performance.now() - start);
    }
    assert.ok(compiled > 400, `only ${compiled} compiled`);
    // The aim is 50 ms; a busy machine may take more, a hang takes for ever.
    assert.ok(slowestMs < 2000, `the slowest took ${slowestMs} ms`);
  });

  it('hostile shapes end soon', () => {
    const sources = [
      `${'['.repeat(50_000)}`,
      `${'!'.repeat(99_000)}true`,
      `${'-'.repeat(99_000)}1`,
      `self${'.a'.repeat(40_000)}`,
      `optional.of(1)${'.optMap(x, x)'.repeat(200)}`,
      `${'1+'.repeat(40_000)}1`,
      Array(20_000).fill('self.a == 1').join('&&').slice(0, 99_000),
      `"${'a'.repeat(30)}".matches("(a+)+$b")`,
      `"${'a'.repeat(1000)}".replace("", "${'b'.repeat(1000)}").replace("", "${'c'.repeat(1000)}")`,
      'lists.range(1000000000).map(x, lists.range(1000000000))',
      `[${'1,'.repeat(40_000)}1].all(x, [1,2,3].all(y, [1,2,3].all(z, x + y + z > 0)))`,
      `self.matches("${'(a{1,100}){1,10}'.repeat(100)}")`,
      '[0,0,0,0,0,0,0,0,0,0].map(a, [0,0,0,0,0,0,0,0,0,0].map(b, [0,0,0,0,0,0,0,0,0,0].map(c, [0,0,0,0,0,0,0,0,0,0].map(d, [a,b,c,d]))))',
      `{${Array.from({ length: 5000 }, (_, index) => `"k${index}": ${index}`).join(',')}}.transformMap(k, v, v)`,
    ];
    for (const source of sources) {
      const start = performance.now();
      survives(source);
      const tookMs = performance.now() - start;
      assert.ok(tookMs < 5000, `${source.slice(0, 40)} took ${tookMs} ms`);
    }
  });
});
