import type { UnknownObject } from '#api';

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

/** The same for a large object; `rest` is waited for after each member. */
export async function encodeInSteps(object: UnknownObject, rest: () => Promise<void>): Promise<Buffer> {
  const { kind, apiVersion, metadata, ...others } = object;
  const { resourceVersion, selfLink, ...stored } = metadata;
  return Buffer.from(await textInSteps({ kind, apiVersion, metadata: stored, ...others }, rest));
}

/** `JSON.stringify` of an object member by member, of its metadata too: managed fields may be as long as all else. */
export async function textInSteps(object: object, rest: () => Promise<void>): Promise<string> {
  const texts: string[] = [];
  for (const [name, value] of Object.entries(object)) {
    const isNested = name === 'metadata' && typeof value === 'object' && value !== null;
    const text = isNested ? await textInSteps(value, rest) : JSON.stringify(value);
    if (text !== undefined) texts.push(`${JSON.stringify(name)}:${text}`);
    await rest();
  }
  return `{${texts.join(',')}}`;
}

/** Stored bytes with their revision: what GET sends. `metadataStart` is where `"metadata"` begins, `tailStart` what follows the resourceVersion. */
export interface VersionedBytes {
  readonly bytes: Buffer;
  readonly metadataStart: number;
  readonly tailStart: number;
}

/** Puts the revision into stored bytes, as the first member of metadata. Throws Error for bytes that encodeObject did not make. */
export function withRevision(stored: Uint8Array, revision: number): VersionedBytes {
  const buffer = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const metadataStart = buffer.indexOf(marker);
  if (metadataStart < 0) throw new Error('a stored object has no metadata');
  return splice(buffer, { metadataStart, tailStart: metadataStart + marker.length, revision });
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

function splice(source: Buffer, at: { metadataStart: number; tailStart: number; revision: number }): VersionedBytes {
  const { metadataStart, tailStart } = at;
  const head = metadataStart + marker.length;
  // An empty metadata (it never is, but for foreign writers) takes no comma.
  const comma = source[tailStart] === 0x7d || source[tailStart] === 0x2c ? '' : ',';
  const member = `"resourceVersion":"${at.revision}"${comma}`;
  // Memory of its own: these bytes are kept, and one slice of Node's pool would keep 64 KiB.
  const bytes = Buffer.allocUnsafeSlow(head + member.length + source.length - tailStart);
  source.copy(bytes, 0, 0, head);
  bytes.write(member, head, 'latin1');
  source.copy(bytes, head + member.length, tailStart);
  return { bytes, metadataStart, tailStart: head + member.length };
}
