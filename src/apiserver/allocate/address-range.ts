import { type Cidr, cidrAddress, cidrIndex, cidrSize, formatCidr, type Random } from '#base';
import { createNumberPool, type NumberPool, staticBandOf } from './number-pool.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/** Addresses of one family for Services. Numbers in the pool are offsets from the first usable address. */
export interface AddressRange {
  readonly family: IpFamily;
  readonly cidr: Cidr;
  readonly pool: NumberPool;
  /** Where the address stands in the pool; undefined outside the range, and for the network and broadcast addresses. */
  numberOf(address: string): number | undefined;
  addressOf(number: number): string;
}

/** Larger ranges are used only as far as this: nobody has more Services (upstream has the same bound). */
const largestPool = 2 ** 16;
const band = { share: 16, least: 16, most: 256 };

export function createAddressRange(cidr: Cidr, random: Random): AddressRange {
  const total = cidrSize(cidr);
  // The network address is no one's, and in IPv4 neither is the last.
  const usable = total - (cidr.family === 4 ? 2n : 1n);
  if (usable < 1n) throw new RangeError(`the service range ${formatCidr(cidr)} is too small`);
  const size = usable < BigInt(largestPool) ? Number(usable) : largestPool;
  return {
    family: cidr.family === 4 ? 'IPv4' : 'IPv6',
    cidr,
    pool: createNumberPool({ size, staticBand: staticBandOf(size, band), random }),
    numberOf(address) {
      const index = cidrIndex(cidr, address);
      return index === undefined || index < 1n || index > BigInt(size) ? undefined : Number(index) - 1;
    },
    addressOf: number => cidrAddress(cidr, number + 1),
  };
}
