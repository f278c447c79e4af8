/** Bytes that are no message of the API, or an object that does not fit its message. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
  readonly code: 'malformed' | 'unknown-kind' | 'unfit';
  constructor(code: ProtobufError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function malformed(detail: string): ProtobufError {
  return new ProtobufError('malformed', `proto: ${detail}`);
}

/** Strings up to this long are copied by a loop: faster than a call into the runtime. */
const shortString = 24;
const two32 = 0x1_0000_0000;

/** Writes from the end to the front, so that a length is known when it is written and nothing is measured twice. */
export class BackWriter {
  #buffer: Buffer;
  #at: number;
  constructor(sizeBytes = 2048) {
    this.#buffer = Buffer.allocUnsafeSlow(sizeBytes);
    this.#at = sizeBytes;
  }

  /** How many bytes stand. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  #need(sizeBytes: number): void {
    if (this.#at >= sizeBytes) return;
    const used = this.length;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + sizeBytes));
    this.#buffer.copy(larger, larger.length - used, this.#at);
    this.#buffer = larger;
    this.#at = larger.length - used;
  }

  /** A safe integer that is not negative. */
  varint(value: number): void {
    this.#need(8);
    if (value < 0x80) {
      this.#buffer[--this.#at] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    this.#at -= size;
    let at = this.#at;
    let rest = value;
    for (; rest >= two32; rest = Math.floor(rest / 0x80)) this.#buffer[at++] = (rest % 0x80) | 0x80;
    for (; rest >= 0x80; rest >>>= 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at] = rest;
  }

  /** Any int64; negative ones take ten bytes. */
  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) {
      this.varint(value);
      return;
    }
    this.#need(10);
    const groups: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
    groups.push(Number(rest));
    this.#at -= groups.length;
    this.#buffer.set(groups, this.#at);
  }

  double(value: number): void {
    this.#need(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** Without its length. */
  bytes(value: Uint8Array): void {
    this.#need(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
  }

  /** Without its length, as UTF-8. */
  string(text: string): void {
    if (text.length <= shortString && this.#ascii(text)) return;
    const size = Buffer.byteLength(text);
    this.#need(size);
    this.#at -= size;
    this.#buffer.write(text, this.#at, 'utf8');
  }

  #ascii(text: string): boolean {
    const size = text.length;
    this.#need(size);
    const start = this.#at - size;
    for (let index = 0; index < size; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#buffer[start + index] = code;
    }
    this.#at = start;
    return true;
  }

  /** A copy of what stands. */
  take(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#at));
  }

  clear(): void {
    this.#at = this.#buffer.length;
  }
}

/** Reads varints and lengths, and never past the end. Throws ProtobufError. */
export class Reader {
  readonly #buffer: Buffer;
  at: number;
  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** The end of the length-delimited part that begins here. */
  end(limit: number): number {
    const size = this.varint(limit);
    if (size > limit - this.at) throw malformed('unexpected EOF');
    return this.at + size;
  }

  /** At most 2^53: tags, lengths, counts. Throws for larger ones. */
  varint(limit: number): number {
    if (this.at < limit) {
      const byte = this.#buffer[this.at]!;
      if (byte < 0x80) {
        this.at++;
        return byte;
      }
    }
    const value = this.uint64(limit);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('integer overflow');
    return Number(value);
  }

  uint64(limit: number): bigint {
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let index = 0; index < 10; index++) {
      if (this.at >= limit) throw malformed('unexpected EOF');
      const byte = this.#buffer[this.at++]!;
      const group = byte & 0x7f;
      if (index < 4) low |= group << (7 * index);
      else if (index < 8) middle |= group << (7 * (index - 4));
      else high |= group << (7 * (index - 8));
      if (byte < 0x80) return BigInt.asUintN(64, BigInt(low) | (BigInt(middle) << 28n) | (BigInt(high) << 56n));
    }
    throw malformed('integer overflow');
  }

  /** Signed; a number when it is safe, else as near as JSON's numbers come. */
  int64(limit: number): number {
    if (this.at < limit && this.#buffer[this.at]! < 0x80) return this.#buffer[this.at++]!;
    return Number(BigInt.asIntN(64, this.uint64(limit)));
  }

  int32(limit: number): number {
    if (this.at < limit && this.#buffer[this.at]! < 0x80) return this.#buffer[this.at++]!;
    return Number(BigInt.asIntN(32, this.uint64(limit)));
  }

  double(limit: number): number {
    if (limit - this.at < 8) throw malformed('unexpected EOF');
    this.at += 8;
    return this.#buffer.readDoubleLE(this.at - 8);
  }

  string(end: number): string {
    const text = this.#buffer.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  /** A view, not a copy. */
  bytes(end: number): Buffer {
    const view = this.#buffer.subarray(this.at, end);
    this.at = end;
    return view;
  }

  /** Steps over a field that nobody knows. */
  skip(wireType: number, limit: number): void {
    if (wireType === 0) this.uint64(limit);
    else if (wireType === 1) this.#step(8, limit);
    else if (wireType === 2) this.at = this.end(limit);
    else if (wireType === 5) this.#step(4, limit);
    else throw malformed(`illegal wireType ${wireType}`);
  }

  #step(sizeBytes: number, limit: number): void {
    if (limit - this.at < sizeBytes) throw malformed('unexpected EOF');
    this.at += sizeBytes;
  }
}
