/** A text that is no address or network; the message is the one that CEL shows. */
export class AddressProblem extends Error {}

/** An IP address: 4 or 16 bytes. */
export class IpAddress {
  readonly bytes: readonly number[];
  constructor(bytes: readonly number[]) {
    this.bytes = bytes;
  }
  get sizeBytes(): number {
    return this.bytes.length;
  }
  equals(other: unknown): boolean {
    return other instanceof IpAddress && String(other.bytes) === String(this.bytes);
  }
  /** The canonical text (RFC 5952). */
  toString(): string {
    return this.bytes.length === 4 ? this.bytes.join('.') : formatIp6(this.bytes);
  }
}

function formatIp6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (from: number, to?: number): string =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':');
  return best.start < 0 ? hex(0) : `${hex(0, best.start)}::${hex(best.start + best.length)}`;
}

function parseIp4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.map(Number);
}

function parseIp6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const sides = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (sides.includes(undefined)) return undefined;
  const [left = [], right] = sides as number[][];
  if (right === undefined) return left.length === 16 ? left : undefined;
  const gap = 16 - left.length - right.length;
  return gap < 2 ? undefined : [...left, ...Array<number>(gap).fill(0), ...right];
}

/** Groups between colons; the last of an address may be an IPv4 address. */
function parseGroups(text: string, mayEndWithIp4: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (group.includes('.')) {
      const ip4 = mayEndWithIp4 && index === groups.length - 1 ? parseIp4(group) : undefined;
      if (ip4 === undefined) return undefined;
      bytes.push(...ip4);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 255);
  }
  return bytes.length > 16 ? undefined : bytes;
}

function parseBytes(text: string): number[] | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? parseIp6(text) : parseIp4(text);
}

function isIp4InIp6(bytes: readonly number[]): boolean {
  return bytes.length === 16 && bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
}

/** Reads an address; zones and IPv4 inside IPv6 are refused. Throws `AddressProblem`. */
export function parseIp(text: string): IpAddress {
  const quoted = JSON.stringify(text);
  const zone = text.indexOf('%');
  const bytes = parseBytes(zone > 0 ? text.slice(0, zone) : text);
  if (bytes === undefined) {
    throw new AddressProblem(
      `IP Address ${quoted} parse error during conversion from string: ParseAddr(${quoted}): unable to parse IP`,
    );
  }
  if (zone > 0) throw new AddressProblem(`IP address ${quoted} with zone value is not allowed`);
  if (isIp4InIp6(bytes)) throw new AddressProblem(`IPv4-mapped IPv6 address ${quoted} is not allowed`);
  return new IpAddress(bytes);
}

/** An address with the length of a prefix; host bits are kept. */
export class IpNetwork {
  readonly address: IpAddress;
  readonly prefix: number;
  constructor(address: IpAddress, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }
  get sizeBytes(): number {
    return Math.ceil(this.prefix / 8);
  }
  equals(other: unknown): boolean {
    return other instanceof IpNetwork && other.prefix === this.prefix && other.address.equals(this.address);
  }
  toString(): string {
    return `${this.address}/${this.prefix}`;
  }
  masked(): IpNetwork {
    const bytes = this.address.bytes.map((byte, index) => byte & maskByte(this.prefix, index));
    return new IpNetwork(new IpAddress(bytes), this.prefix);
  }
  contains({ bytes }: IpAddress): boolean {
    const own = this.address.bytes;
    if (own.length !== bytes.length) return false;
    return own.every((byte, index) => ((byte ^ bytes[index]!) & maskByte(this.prefix, index)) === 0);
  }
}

function maskByte(prefix: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefix - 8 * index));
  return (255 << (8 - bits)) & 255;
}

/** Reads `10.0.0.0/8`; throws `AddressProblem`. */
export function parseNetwork(text: string): IpNetwork {
  const wrong = (detail: string): never => {
    const quoted = JSON.stringify(text);
    const outer = 'network address parse error during conversion from string: ';
    throw new AddressProblem(`${outer}${outer}netip.ParsePrefix(${quoted}): ${detail}`);
  };
  const slash = text.lastIndexOf('/');
  if (slash < 0) return wrong("no '/'");
  const bytes = parseBytes(text.slice(0, slash));
  if (bytes === undefined) return wrong(`ParseAddr(${JSON.stringify(text.slice(0, slash))}): unable to parse IP`);
  const bits = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(bits)) return wrong(`bad bits after slash: ${JSON.stringify(bits)}`);
  if (Number(bits) > bytes.length * 8) return wrong('prefix length out of range');
  if (isIp4InIp6(bytes)) {
    const quoted = JSON.stringify(text);
    throw new AddressProblem(
      `network address parse error during conversion from string: IPv4-mapped IPv6 address ${quoted} is not allowed`,
    );
  }
  return new IpNetwork(new IpAddress(bytes), Number(bits));
}
