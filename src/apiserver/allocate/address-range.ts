import { addressFamily, type Cidr, cidrAddress, cidrIndex, cidrSize, parseCidr, type Random } from '#base';
import { pickNumber, staticBandOf } from './pick-number.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/** Addresses of one family for Services. */
export interface AddressRange {
  readonly family: IpFamily;
  readonly cidr: Cidr;
  /** False outside, and for the network and broadcast addresses. */
  contains(address: string): boolean;
  /** An address that is not taken; undefined when there is none. `taken` is how many can be taken at most. */
  pick(isTaken: (address: string) => boolean, taken: number): string | undefined;
}

/** No range is larger for choosing by chance: numbers stay exact, and nobody has that many Services. */
const largest = 2 ** 48;
const band = { share: 16, least: 16, most: 256 };

export function createAddressRange(cidr: Cidr, random: Random): AddressRange {
  const total = cidrSize(cidr);
  // The network address is no one's, and in IPv4 neither is the last.
  const usable = total - (cidr.family === 4 ? 2n : 1n);
  const size = usable < 0n ? 0 : usable < BigInt(largest) ? Number(usable) : largest;
  const staticBand = staticBandOf(total < BigInt(largest) ? Number(total) : largest, band);
  const addressOf = (number: number) => cidrAddress(cidr, number + 1);
  return {
    family: cidr.family === 4 ? 'IPv4' : 'IPv6',
    cidr,
    contains(address) {
      const index = cidrIndex(cidr, address);
      return index !== undefined && index >= 1n && index <= usable;
    },
    pick(isTaken, taken) {
      const number = pickNumber({ size, staticBand, random, taken, isTaken: index => isTaken(addressOf(index)) });
      return number === undefined ? undefined : addressOf(number);
    },
  };
}

/** An address in the one form in which it is compared; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const family = addressFamily(text);
  return family && cidrAddress(parseCidr(`${text}/${family === 4 ? 32 : 128}`)!, 0);
}

export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
