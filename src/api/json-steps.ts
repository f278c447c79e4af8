/** Characters that are parsed at a time: some tenths of a millisecond. */
const pieceLength = 32 * 1024;

type Container = unknown[] | Record<string, unknown>;

/** A container that has been opened and not closed. */
interface Level {
  readonly start: number;
  readonly isList: boolean;
  /** What is parsed of it so far; undefined: nothing, it is a part of what is around it as yet. */
  made: Container | undefined;
  /** Where what is not parsed of it begins. */
  from: number;
  /** Its newest comma, or its beginning. */
  comma: number;
  /** The last member was made by itself: nothing may stand between it and the next comma. */
  isPlaced: boolean;
}

/** The text is no JSON, or none that can be taken apart. */
class Irregular extends Error {
  override readonly name = 'Irregular';
}

/**
 * `JSON.parse` in steps, for long texts: containers that are long are put together from pieces. Throws SyntaxError as it does, after it has had a look at the whole text.
 * Checks no depth.
 */
export function* parseJsonSteps(text: string): Generator<void, unknown> {
  if (text.length <= pieceLength) return JSON.parse(text);
  try {
    return yield* takeApart(text);
  } catch (error) {
    if (!(error instanceof Irregular) && !(error instanceof SyntaxError)) throw error;
    // It says best what is wrong.
    return JSON.parse(text);
  }
}

function* takeApart(text: string): Generator<void, unknown> {
  const levels: Level[] = [];
  let whole: unknown;
  let isDone = false;
  let pause = pieceLength;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === openBrace || code === openBracket) {
      if (isDone) throw new Irregular();
      const isList = code === openBracket;
      levels.push({ start: at, isList, made: undefined, from: at + 1, comma: at, isPlaced: false });
    } else if (code === comma) {
      const level = levels.at(-1);
      if (!level) throw new Irregular();
      if (at - level.from >= pieceLength) takePiece(text, level, at);
      level.comma = at;
      if (level.isPlaced) skipPlaced(text, level, at);
    } else if (code === closeBrace || code === closeBracket) {
      const level = levels.pop();
      if (!level) throw new Irregular();
      const value = close(text, level, at);
      if (levels.length === 0) {
        whole = value ?? JSON.parse(text.slice(level.start, at + 1));
        isDone = true;
        if (text.slice(0, level.start).trim() !== '') throw new Irregular();
        if (text.slice(at + 1).trim() !== '') throw new Irregular();
        return whole;
      }
      if (value !== undefined) place(text, levels.at(-1)!, { value, start: level.start, end: at + 1 });
    }
    if (at >= pause) {
      pause = at + pieceLength;
      yield;
    }
  }
  throw new Irregular();
}

const [quote, comma, backslash] = [34, 44, 92];
const [openBrace, closeBrace, openBracket, closeBracket] = [123, 125, 91, 93];

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at;
  }
  throw new Irregular();
}

/** Parses the members from where the level stands up to a comma of its own, or its end. */
function takePiece(text: string, level: Level, end: number): void {
  if (level.isPlaced) {
    skipPlaced(text, level, end);
    return;
  }
  const piece = text.slice(level.from, end);
  if (piece.trim() === '') throw new Irregular();
  const made = JSON.parse(level.isList ? `[${piece}]` : `{${piece}}`) as Container;
  level.from = end + 1;
  if (level.made === undefined) level.made = made;
  else if (Array.isArray(made)) for (const item of made) (level.made as unknown[]).push(item);
  else for (const name in made) setMember(level.made as Record<string, unknown>, name, made[name]);
}

/** Between a member that was made by itself and the comma after it is nothing. */
function skipPlaced(text: string, level: Level, end: number): void {
  if (text.slice(level.from, end).trim() !== '') throw new Irregular();
  level.isPlaced = false;
  level.from = end + 1;
}

/** The value of a level that ends, if it was long; else it is parsed with what is around it. */
function close(text: string, level: Level, end: number): Container | undefined {
  if (level.made === undefined && end - level.start < pieceLength) return undefined;
  if (level.isList !== (text.charCodeAt(end) === closeBracket)) throw new Irregular();
  const isEmpty = level.made === undefined && text.slice(level.from, end).trim() === '';
  if (!isEmpty) takePiece(text, level, end);
  return level.made ?? (level.isList ? [] : {});
}

/** Puts a value that was made by itself into the level around it. */
function place(text: string, level: Level, part: { value: Container; start: number; end: number }): void {
  if (level.isPlaced) throw new Irregular();
  if (level.comma > level.from) takePiece(text, level, level.comma);
  level.made ??= level.isList ? [] : {};
  const before = text.slice(level.from, part.start);
  if (level.isList) {
    if (before.trim() !== '') throw new Irregular();
    (level.made as unknown[]).push(part.value);
  } else setMember(level.made as Record<string, unknown>, nameIn(before), part.value);
  level.from = part.end;
  level.isPlaced = true;
}

/** `"name":` */
function nameIn(text: string): string {
  const names = Object.keys(JSON.parse(`{${text}null}`) as object);
  if (names.length !== 1) throw new Irregular();
  return names[0]!;
}

function setMember(object: Record<string, unknown>, name: string, value: unknown): void {
  // Else it would be the prototype.
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  else object[name] = value;
}
