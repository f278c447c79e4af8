import ipaddr from 'ipaddr.js';

/** A range of addresses. `base` has its host bits cleared. */
export interface Cidr {
  family: 4 | 6;
  base: bigint;
  prefix: number;
}

/** Reads `10.42.0.0/16` or `fd00::/48`; undefined when it is neither. Host bits are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [address, prefix] = ipaddr.parseCIDR(text);
  const family = address.kind() === 'ipv4' ? 4 : 6;
  const base = toBigInt(address.toByteArray());
  const hostBits = BigInt(width(family) - prefix);
  return { family, base: (base >> hostBits) << hostBits, prefix };
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.family, cidr.base)}/${cidr.prefix}`;
}

/** True when the textual address lies inside; false for another family or no address at all. */
export function cidrContains(cidr: Cidr, address: string): boolean {
  const parsed = parseAddress(address);
  if (!parsed || parsed.family !== cidr.family) return false;
  const hostBits = BigInt(width(cidr.family) - cidr.prefix);
  return parsed.value >> hostBits === cidr.base >> hostBits;
}

/** Number of addresses in the range. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(width(cidr.family) - cidr.prefix);
}

/** Address number `index` (0 is the network address), as text. Throws RangeError outside the range. */
export function cidrAddress(cidr: Cidr, index: number | bigint): string {
  const offset = BigInt(index);
  if (offset < 0n || offset >= cidrSize(cidr)) throw new RangeError(`address ${index} is outside ${formatCidr(cidr)}`);
  return formatAddress(cidr.family, cidr.base + offset);
}

/** Where an address of the range stands in it; undefined when outside. */
export function cidrIndex(cidr: Cidr, address: string): bigint | undefined {
  const parsed = parseAddress(address);
  return parsed && cidrContains(cidr, address) ? parsed.value - cidr.base : undefined;
}

/** Range number `index` of length `prefix` inside `cidr`: node CIDRs out of the cluster's. */
export function cidrSubnet(cidr: Cidr, prefix: number, index: number): Cidr {
  if (prefix < cidr.prefix || index < 0 || index >= 2 ** (prefix - cidr.prefix)) {
    throw new RangeError(`no subnet ${index} of length ${prefix} in ${formatCidr(cidr)}`);
  }
  const base = cidr.base + (BigInt(index) << BigInt(width(cidr.family) - prefix));
  return { family: cidr.family, base, prefix };
}

/** 4 or 6; undefined when the text is no IP address. IPv4 must have four decimal parts without leading zeros. */
export function addressFamily(text: string): 4 | 6 | undefined {
  return parseAddress(text)?.family;
}

function parseAddress(text: string): { family: 4 | 6; value: bigint } | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return { family: 4, value: toBigInt(ipaddr.IPv4.parse(text).toByteArray()) };
  }
  if (text.includes(':') && ipaddr.IPv6.isValid(text)) {
    return { family: 6, value: toBigInt(ipaddr.IPv6.parse(text).toByteArray()) };
  }
  return undefined;
}

function formatAddress(family: 4 | 6, value: bigint): string {
  const bytes = Array.from({ length: width(family) / 8 }, (_, index) => {
    return Number((value >> BigInt(width(family) - 8 - index * 8)) & 255n);
  });
  return family === 4 ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String();
}

function toBigInt(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function width(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}
