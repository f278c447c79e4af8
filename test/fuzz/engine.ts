/** Inputs made of known ones, broken at random but the same for the same seed, and what a decoder does with them. */
import assert from 'node:assert/strict';

export interface Target {
  readonly name: string;
  /** Inputs that are right, or nearly: all others are made of them. */
  readonly corpus: readonly (string | Uint8Array)[];
  /**
   * Decodes. What it throws that is not one of `refusals` is a defect, and so is what it rejects with.
   */
  run(input: Buffer): unknown;
  /** How it says that an input is no good. */
  readonly refusals: readonly (new (
    ...args: never[]
  ) => Error)[];
  /** An input that takes longer hangs, in milliseconds. Default 1000. */
  readonly maxMs?: number;
}

export interface Rounds {
  readonly seed: number;
  /** Ends when this says so; asked before each input with how many there were. */
  isOver(count: number): boolean;
}

/** Inputs grow no longer than this. */
const maxBytes = 64 * 1024;

/** Runs a target; answers how many inputs it has seen and the longest time one took, in milliseconds. Throws for a defect, with the input to replay it. */
export async function fuzz(target: Target, { seed, isOver }: Rounds): Promise<{ count: number; slowestMs: number }> {
  const dice = createDice(seed);
  const corpus = target.corpus.map(input => Buffer.from(input as Uint8Array));
  let count = 0;
  let slowestMs = 0;
  for (; !isOver(count); count++) {
    const input = count < corpus.length ? corpus[count]! : mutate(dice, corpus);
    const ms = await tryInput(target, input);
    slowestMs = Math.max(slowestMs, ms);
  }
  return { count, slowestMs };
}

/** One input; answers how long it took, in milliseconds. */
export async function tryInput(target: Target, input: Buffer): Promise<number> {
  const startMs = performance.now();
  try {
    await target.run(input);
  } catch (error) {
    if (!target.refusals.some(refusal => error instanceof refusal)) {
      throw new Error(`${replay(target, input)}: ${(error as Error)?.message}`, { cause: error });
    }
  }
  const ms = performance.now() - startMs;
  assert.ok(ms < (target.maxMs ?? 1000), `${replay(target, input)}: took ${Math.round(ms)} ms`);
  return ms;
}

const replay = ({ name }: Target, input: Buffer) => `FUZZ_TARGET='${name}' FUZZ_INPUT=${input.toString('base64')}`;

type Dice = (sides: number) => number;

function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return sides => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const pieces = [
  ...[
    '',
    '\0',
    '"',
    "'",
    '\\',
    '\n',
    '\r\n',
    '\t',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    ':',
    ',',
    '-',
    '- ',
    '#',
    '&a ',
    '*a',
    '!!int ',
    '|',
    '>',
    '%',
    '/',
    '~',
    '~1',
    '$',
    '.',
    '..',
  ],
  ...[
    'null',
    'true',
    '0',
    '-0',
    '1e999',
    '-1',
    '9007199254740993',
    '99999999999999999999999',
    '0x7f',
    '1.5',
    'NaN',
    '""',
    '{}',
    '[]',
    '[null]',
    '\\u0000',
    '\\ud800',
    '__proto__',
    'constructor',
  ],
  ...[
    '$patch',
    'delete',
    '$retainKeys',
    '$setElementOrder/containers',
    '$deleteFromPrimitiveList/finalizers',
    'in (a,b)',
    '!=',
    '==',
    ' notin ',
    '!a',
  ],
].map(text => Buffer.from(text));
const broken = [
  [0xff],
  [0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f],
  [0xed, 0xa0, 0x80],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
].map(bytes => Buffer.from(bytes));

function mutate(dice: Dice, corpus: readonly Buffer[]): Buffer {
  const pick = <T>(list: readonly T[]): T => list[dice(list.length)]!;
  let input = pick(corpus);
  for (let rounds = 1 + dice(4); rounds > 0; rounds--) {
    const [from, to] = [dice(input.length + 1), dice(input.length + 1)].sort((a, b) => a - b) as [number, number];
    const replaced = change(dice, input.subarray(from, Math.min(to, from + 1 + dice(40))), pick);
    input = Buffer.concat([input.subarray(0, from), replaced, input.subarray(from + (dice(3) ? dice(8) : 0))]);
    if (dice(12) === 0) input = input.subarray(0, dice(input.length + 1));
    if (dice(12) === 0) {
      const other = pick(corpus);
      input = Buffer.concat([input.subarray(0, from), other.subarray(dice(other.length + 1))]);
    }
    if (input.length > maxBytes) input = input.subarray(0, maxBytes);
  }
  return input;
}

function change(dice: Dice, part: Buffer, pick: <T>(list: readonly T[]) => T): Buffer {
  switch (dice(8)) {
    case 0:
      return Buffer.from(part.map(byte => byte ^ (1 << dice(8))));
    case 1:
      return pick(broken);
    case 2:
      return Buffer.concat(Array.from({ length: 1 + dice(200) }, () => part));
    case 3:
      // As deep as a stack might bear, and deeper.
      return Buffer.from(pick(['[', '{"a":', '(', '- ', '!', 'a.', '/a']).repeat(dice(4) ? dice(50) : 5000));
    case 4:
      return Buffer.concat([part, pick(pieces), part]);
    default:
      return pick(pieces);
  }
}
