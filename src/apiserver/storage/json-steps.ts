/** What is done at once: some tenths of a millisecond. */
const pieceNodes = 2000;
/** Deeper parts of a text are written at once, whatever their size: the language needs no stack of ours. */
const maxDepth = 200;

type Container = Record<string, unknown> | unknown[];

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

/** Values in a value, itself included; counts no further than a bit over `most`. */
export function countNodes(value: unknown, most: number): number {
  if (!isContainer(value)) return 1;
  let nodes = 1;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && nodes <= most; index++) nodes += countNodes(value[index], most - nodes);
    return nodes;
  }
  for (const name in value) {
    nodes += countNodes(value[name], most - nodes);
    if (nodes > most) break;
  }
  return nodes;
}

function isLarge(value: unknown): boolean {
  return isContainer(value) && countNodes(value, pieceNodes) > pieceNodes;
}

/** Members of a container that follow each other: either together no large piece, or a single one that is. */
interface Group {
  readonly isLarge: boolean;
  /** Undefined for a list. */
  readonly names: readonly string[] | undefined;
  readonly members: readonly unknown[];
}

/**
 * All members of a large container. One member after the other is looked up by its name: what gives all of them at once (spreading, Object.entries) takes
 * 25 to 45 ms for 72,000 of them.
 */
function* groupsOf(value: Container): Generator<Group | undefined> {
  const names = Array.isArray(value) ? undefined : Object.keys(value);
  if (names) yield undefined;
  const length = names ? names.length : (value as unknown[]).length;
  let [from, nodes] = [0, 0];
  let members: unknown[] = [];
  const take = (to: number, isLarge: boolean): Group => {
    const group = { isLarge, names: names?.slice(from, to), members };
    [from, nodes, members] = [to, 0, []];
    return group;
  };
  for (let at = 0; at < length; at++) {
    const member = names ? (value as Record<string, unknown>)[names[at]!] : (value as unknown[])[at];
    const own = countNodes(member, pieceNodes);
    if (nodes > 0 && nodes + own > pieceNodes) yield take(at, false);
    members.push(member);
    nodes += own;
    if (own > pieceNodes) yield take(at + 1, true);
  }
  if (nodes > 0) yield take(length, false);
}

/** `JSON.stringify` in steps, of a value as JSON has them: members that are undefined are left out, functions and dates are none. */
export function* jsonTextSteps(value: unknown): Generator<void, string> {
  return isLarge(value) ? yield* textOfLarge(value as Container, 0) : JSON.stringify(value);
}

function* textOfLarge(value: Container, depth: number): Generator<void, string> {
  if (depth > maxDepth) return JSON.stringify(value);
  // To find out that it is large takes some milliseconds if it has many members.
  yield;
  const texts: string[] = [];
  for (const group of groupsOf(value)) {
    if (group) {
      for (const [index, member] of group.members.entries()) {
        const text = group.isLarge ? yield* textOfLarge(member as Container, depth + 1) : JSON.stringify(member);
        if (!group.names) texts.push(text ?? 'null');
        else if (text !== undefined) texts.push(`${JSON.stringify(group.names[index])}:${text}`);
      }
    }
    yield;
  }
  return Array.isArray(value) ? `[${texts.join(',')}]` : `{${texts.join(',')}}`;
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
export function* copyJsonSteps<T extends object>(value: T): Generator<void, T> {
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
export function* isSameJsonSteps(a: unknown, b: unknown): Generator<void, boolean> {
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
function* countDefined(value: Container): Generator<void, number> {
  if (Array.isArray(value)) return value.length;
  const names = Object.keys(value);
  let count = 0;
  for (let at = 0; at < names.length; at++) {
    if (memberOf(value, names[at]!) !== undefined) count++;
    if (at % pieceNodes === pieceNodes - 1) yield;
  }
  return count;
}
