import type { Steps } from '#base';
import { isSmall } from '#base';

/** Bytes that are made at a time: some tenths of a millisecond. */
const pieceLength = 32 * 1024;

/** A container that has been opened and not closed. */
interface Level {
  /** Undefined for a list. */
  readonly names: readonly string[] | undefined;
  readonly values: readonly unknown[];
  at: number;
  /** Something stands in it already. */
  isBegun: boolean;
}

/** `JSON.stringify` in steps, for large values of JSON, of any depth: the bytes in pieces. Members that are undefined are left out, as it does. */
export function* jsonTextSteps(value: unknown): Steps<Buffer[]> {
  const pieces: Buffer[] = [];
  const levels: Level[] = [];
  let text = '';
  const begin = (part: unknown) => {
    if (typeof part !== 'object' || part === null || isSmall(part)) text += JSON.stringify(part) ?? 'null';
    else {
      const names = Array.isArray(part) ? undefined : Object.keys(part);
      levels.push({ names, values: Array.isArray(part) ? part : Object.values(part), at: 0, isBegun: false });
      text += names ? '{' : '[';
    }
  };
  begin(value);
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    if (text.length >= pieceLength) {
      pieces.push(Buffer.from(text));
      text = '';
      yield;
    }
    if (level.at === level.values.length) {
      text += level.names ? '}' : ']';
      levels.pop();
      continue;
    }
    const name = level.names?.[level.at];
    const part = level.values[level.at++];
    if (name !== undefined && part === undefined) continue;
    if (level.isBegun) text += ',';
    level.isBegun = true;
    if (name !== undefined) text += `${JSON.stringify(name)}:`;
    begin(part);
  }
  pieces.push(Buffer.from(text));
  return pieces;
}
