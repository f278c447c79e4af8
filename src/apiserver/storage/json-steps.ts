import type { Steps } from '#base';

/** Values that are looked at at a time: some tenths of a millisecond. */
const pieceNodes = 2000;

type Container = Record<string, unknown> | unknown[];

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

/** A container on the way down, and how far it has been gone through. */
interface Level {
  readonly from: Container;
  readonly names: readonly string[] | undefined;
  at: number;
}

function levelOf(from: Container): Level {
  return { from, names: Array.isArray(from) ? undefined : Object.keys(from), at: 0 };
}

/** `copyJson` in steps, of any depth. */
export function* copyJsonSteps<T extends object>(value: T): Steps<T> {
  const start = (from: Container) => ({ ...levelOf(from), to: (Array.isArray(from) ? [] : {}) as Container });
  const whole = start(value as Container);
  const levels = [whole];
  let nodes = 0;
  for (let level = levels.pop(); level; level = levels.pop()) {
    const { from, names, to } = level;
    const length = names ? names.length : (from as unknown[]).length;
    while (level.at < length) {
      const name = names?.[level.at];
      const member = name === undefined ? (from as unknown[])[level.at] : memberOf(from, name);
      level.at++;
      const inner = isContainer(member) ? start(member) : undefined;
      put(to, name, inner ? inner.to : member);
      if (++nodes % pieceNodes === 0) yield;
      if (!inner) continue;
      levels.push(level, inner);
      break;
    }
  }
  return whole.to as T;
}

function put(container: Container, name: string | undefined, value: unknown): void {
  if (name === undefined) (container as unknown[]).push(value);
  // Else it would be the prototype.
  else if (name === '__proto__')
    Object.defineProperty(container, name, { value, enumerable: true, writable: true, configurable: true });
  else (container as Record<string, unknown>)[name] = value;
}

function memberOf(value: Container, name: string): unknown {
  return (value as Record<string, unknown>)[name];
}

/** `isSameJson` in steps, of any depth; a member that is undefined is none. */
export function* isSameJsonSteps(a: unknown, b: unknown): Steps<boolean> {
  const pairs: [unknown, unknown][] = [[a, b]];
  let nodes = 0;
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [left, right] = pair;
    if (++nodes % pieceNodes === 0) yield;
    if (left === right) continue;
    if (!isContainer(left) || !isContainer(right) || Array.isArray(left) !== Array.isArray(right)) return false;
    const length = yield* countDefined(left);
    if (length !== (yield* countDefined(right))) return false;
    for (const name of Object.keys(left)) {
      if (++nodes % pieceNodes === 0) yield;
      const member = memberOf(left, name);
      if (member === undefined) continue;
      if (!Object.hasOwn(right, name)) return false;
      const other = memberOf(right, name);
      if (isContainer(member)) pairs.push([member, other]);
      else if (member !== other) return false;
    }
  }
  return true;
}

/** Members that are not undefined; of a list its length. */
function* countDefined(value: Container): Steps<number> {
  if (Array.isArray(value)) return value.length;
  const names = Object.keys(value);
  let count = 0;
  for (let at = 0; at < names.length; at++) {
    if (memberOf(value, names[at]!) !== undefined) count++;
    if (at % pieceNodes === pieceNodes - 1) yield;
  }
  return count;
}
