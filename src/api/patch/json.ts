import { isDeepStrictEqual } from 'node:util';

/** A patch that cannot be applied. `invalid`: it makes no sense by itself (400); `unprocessable`: it does not fit the object (422); `too-large` (413). */
export class PatchError extends Error {
  override readonly name = 'PatchError';
  readonly code: 'invalid' | 'unprocessable' | 'too-large';
  constructor(code: PatchError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What Go calls a JSON value that is not what was wanted. */
export function goName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** Upstream's limit of operations in one patch. */
const maxOperations = 10_000;

/** Upstream's limit of what all copies of a patch add up to, as JSON: each may double the object. */
const maxCopiedBytes = 3 * 1024 * 1024;

/** Applies a JSON patch (RFC 6902) and gives a new value; the target is not changed. Throws PatchError. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  const steps = jsonPatchSteps(target, patch);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same operation by operation, for whoever has other things to do in between. `isOwn`: the target belongs to it, and is changed. */
export function* jsonPatchSteps(target: unknown, patch: unknown, isOwn = false): Generator<void, unknown> {
  if (!Array.isArray(patch))
    throw new PatchError('invalid', `json: cannot unmarshal ${goName(patch)} into Go value of type jsonpatch.Patch`);
  if (patch.length > maxOperations)
    throw new PatchError(
      'too-large',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  let document = isOwn ? target : structuredClone(target);
  yield;
  const copied = { bytes: 0 };
  for (const operation of patch as Operation[]) {
    document = applyOperation(document, operation, copied);
    yield;
  }
  return document;
}

function applyOperation(document: unknown, operation: Operation, copied: { bytes: number }): unknown {
  const { op, path, from, value } = operation ?? {};
  if (typeof path !== 'string') throw new PatchError('unprocessable', `${op ?? 'an'} operation has no path`);
  switch (op) {
    case 'add':
      return put(document, path, { value: structuredClone(value), mode: 'add' });
    case 'replace':
      return put(document, path, { value: structuredClone(value), mode: 'replace' });
    case 'remove':
      return remove(document, path, 'remove');
    case 'move': {
      const moved = find(document, needFrom(from, op), op);
      return put(remove(document, from!, op), path, { value: moved, mode: 'add' });
    }
    case 'copy':
      return put(document, path, { value: copyOf(find(document, needFrom(from, op), op), copied), mode: 'add' });
    case 'test':
      if (!isDeepStrictEqual(find(document, path, op), value))
        throw new PatchError('unprocessable', `testing value ${path} failed: test failed`);
      return document;
    default:
      throw new PatchError('unprocessable', `Unexpected kind: ${op}`);
  }
}

/** Counts what is copied. */
function copyOf(value: unknown, copied: { bytes: number }): unknown {
  const text = JSON.stringify(value);
  copied.bytes += Buffer.byteLength(text);
  if (copied.bytes > maxCopiedBytes) {
    const why = `the accumulated size increase of copy is ${copied.bytes}, exceeding the limit ${maxCopiedBytes}`;
    throw new PatchError('unprocessable', `Unable to complete the copy, ${why}`);
  }
  return JSON.parse(text);
}

function needFrom(from: string | undefined, op: string): string {
  if (typeof from !== 'string') throw new PatchError('unprocessable', `${op} operation does not have a from path`);
  return from;
}

function steps(path: string): string[] {
  return path
    .slice(1)
    .split('/')
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

type Container = Record<string, unknown> | unknown[];

function container(document: unknown, path: string, op: string): { holder: Container; last: string } {
  if (!path.startsWith('/')) throw missing(path, op);
  const parts = steps(path);
  const last = parts.pop()!;
  let holder = document;
  for (const part of parts) holder = child(holder, part);
  if (typeof holder !== 'object' || holder === null) throw missing(path, op);
  return { holder: holder as Container, last };
}

function child(holder: unknown, step: string): unknown {
  if (Array.isArray(holder)) return /^\d+$/.test(step) ? holder[Number(step)] : undefined;
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, step)
    ? (holder as Record<string, unknown>)[step]
    : undefined;
}

function missing(path: string, op: string): PatchError {
  return new PatchError('unprocessable', `${op} operation does not apply: doc is missing path: ${path}: missing value`);
}

function find(document: unknown, path: string, op: string): unknown {
  if (path === '') return document;
  const { holder, last } = container(document, path, op);
  const found = child(holder, last);
  if (found === undefined) throw missing(path, op);
  return found;
}

function put(document: unknown, path: string, change: { value: unknown; mode: 'add' | 'replace' }): unknown {
  if (path === '') return change.value;
  const { holder, last } = container(document, path, change.mode);
  if (change.mode === 'replace' && child(holder, last) === undefined) throw missing(path, change.mode);
  if (!Array.isArray(holder)) {
    Object.defineProperty(holder, last, { value: change.value, enumerable: true, writable: true, configurable: true });
    return document;
  }
  const index = last === '-' ? holder.length : Number(last);
  if (!/^(-|\d+)$/.test(last) || index > holder.length)
    throw new PatchError(
      'unprocessable',
      `${change.mode} operation does not apply: unable to access invalid index: ${last}: invalid index referenced`,
    );
  if (change.mode === 'add') holder.splice(index, 0, change.value);
  else holder[index] = change.value;
  return document;
}

function remove(document: unknown, path: string, op: string): unknown {
  const { holder, last } = container(document, path, op);
  if (child(holder, last) === undefined) throw missing(path, op);
  if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return document;
}
