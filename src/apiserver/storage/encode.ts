import type { UnknownObject } from '#api';
import { jsonTextSteps } from '#api';

const marker = Buffer.from('"metadata":{');

/**
 * The bytes of an object as they are stored: JSON with kind, apiVersion and metadata first, and without resourceVersion, which is only known after the
 * commit. The one time that an object is encoded.
 */
export function encodeObject(object: UnknownObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion, selfLink, ...stored } = metadata;
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: stored, ...rest }));
}

/** The same for a large object; `rest` is waited for after each step. */
export async function encodeInSteps(object: UnknownObject, rest: () => Promise<void>): Promise<Buffer> {
  const { kind, apiVersion, metadata, ...others } = object;
  const { resourceVersion, selfLink, ...stored } = metadata;
  return Buffer.from(await textInSteps({ kind, apiVersion, metadata: stored, ...others }, rest));
}

/** `JSON.stringify` of a large object in steps. */
export async function textInSteps(object: object, rest: () => Promise<void>): Promise<string> {
  const steps = jsonTextSteps(object);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await rest();
  }
}

/** Stored bytes with their revision: what GET sends. `metadataStart` is where `"metadata"` begins, `tailStart` what follows the resourceVersion. */
export interface VersionedBytes {
  readonly bytes: Buffer;
  readonly metadataStart: number;
  readonly tailStart: number;
}

/**
 * Puts the revision into stored bytes, as the first member of metadata. `allocate` gives memory for the result; default of its own. Throws Error for bytes that encodeObject
 * did not make.
 */
export function withRevision(stored: Uint8Array, revision: number, allocate?: Allocate): VersionedBytes {
  const buffer = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const metadataStart = buffer.indexOf(marker);
  if (metadataStart < 0) throw new Error('a stored object has no metadata');
  return splice(buffer, { metadataStart, tailStart: metadataStart + marker.length, revision }, allocate);
}

/** The text of the object's metadata, braces and all. */
export function metadataText({ bytes, metadataStart }: VersionedBytes): string {
  const start = metadataStart + marker.length - 1;
  return bytes.toString('utf8', start, endOfObject(bytes, start));
}

const [quote, backslash, open, close] = [0x22, 0x5c, 0x7b, 0x7d];

/** Where the JSON object that begins at `start` has ended. */
function endOfObject(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === open) depth++;
    else if (byte === close && --depth === 0) return at + 1;
  }
  throw new Error('a stored object has no end');
}

/** Where the closing quote is. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (bytes[at] !== quote && at < bytes.length) at += bytes[at] === backslash ? 2 : 1;
  return at;
}

/** Whether these are the stored bytes with their revision put in. */
export function isMadeOf({ bytes, metadataStart, tailStart }: VersionedBytes, stored: Buffer): boolean {
  const head = metadataStart + marker.length;
  if (!isAsLong({ bytes, metadataStart, tailStart }, stored)) return false;
  return bytes.compare(stored, 0, head, 0, head) === 0 && bytes.compare(stored, head, stored.length, tailStart) === 0;
}

/** Bytes of another length are those of another object, in whatever order its members are. */
export function isAsLong({ bytes, metadataStart, tailStart }: VersionedBytes, stored: Buffer): boolean {
  return stored.length + tailStart - (metadataStart + marker.length) === bytes.length;
}

/** The same object under another revision: what a DELETED event shows. */
export function changeRevision(versioned: VersionedBytes, revision: number): VersionedBytes {
  return splice(versioned.bytes, { ...versioned, revision });
}

/** As Buffer.allocUnsafeSlow. */
export type Allocate = (length: number) => Buffer;

function splice(
  source: Buffer,
  at: { metadataStart: number; tailStart: number; revision: number },
  // Memory of its own: these bytes are kept, and one slice of Node's pool would keep 64 KiB.
  allocate: Allocate = length => Buffer.allocUnsafeSlow(length),
): VersionedBytes {
  const { metadataStart, tailStart } = at;
  const head = metadataStart + marker.length;
  // An empty metadata (it never is, but for foreign writers) takes no comma.
  const comma = source[tailStart] === 0x7d || source[tailStart] === 0x2c ? '' : ',';
  const member = `"resourceVersion":"${at.revision}"${comma}`;
  const bytes = allocate(head + member.length + source.length - tailStart);
  source.copy(bytes, 0, 0, head);
  bytes.write(member, head, 'latin1');
  source.copy(bytes, head + member.length, tailStart);
  return { bytes, metadataStart, tailStart: head + member.length };
}
