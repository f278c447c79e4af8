/** One value of DER: where it begins, and its content. */
export interface Der {
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

const malformed = 'asn1: syntax error: data truncated';

/** The values that lie one behind another. Throws on bytes that are none, in the words of Go's encoding/asn1. */
export function readDer(bytes: Buffer): Der[] {
  const values: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = readOne(bytes, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

function readOne(bytes: Buffer, at: number): Der {
  const tag = bytes[at]!;
  const short = bytes[at + 1];
  if (short === undefined) throw new Error(malformed);
  let begin = at + 2;
  let length = short;
  if (short >= 0x80) {
    const size = short - 0x80;
    if (size === 0 || size > 4 || begin + size > bytes.length) throw new Error(malformed);
    length = bytes.readUIntBE(begin, size);
    begin += size;
  }
  const end = begin + length;
  if (end > bytes.length) throw new Error(malformed);
  return { tag, whole: bytes.subarray(at, end), content: bytes.subarray(begin, end) };
}
