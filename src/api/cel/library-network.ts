import { fault } from './errors.ts';
import { AddressProblem, type IpAddress, type IpNetwork, parseIp, parseNetwork } from './ip-address.ts';
import type { Library } from './signature.ts';
import { cidrType, ipType } from './types.ts';
import { CelOpaque } from './values.ts';

/** Runs a reader; its problem becomes a fault. */
function faulting<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AddressProblem) return fault(error.message);
    throw error;
  }
}

function parses(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof AddressProblem) return false;
    throw error;
  }
}

const toIp = (text: string): CelOpaque =>
  new CelOpaque(
    ipType,
    faulting(() => parseIp(text)),
  );
const toCidr = (text: string): CelOpaque =>
  new CelOpaque(
    cidrType,
    faulting(() => parseNetwork(text)),
  );
const ipOf = ({ content }: CelOpaque): IpAddress => content as IpAddress;
const cidrOf = ({ content }: CelOpaque): IpNetwork => content as IpNetwork;

/** A test on the bytes of an address: by family. */
const test =
  (ip4: (bytes: readonly number[]) => boolean, ip6: (bytes: readonly number[]) => boolean) =>
  (value: CelOpaque): boolean => {
    const { bytes } = ipOf(value);
    return bytes.length === 4 ? ip4(bytes) : ip6(bytes);
  };

const isZeroUpTo = (bytes: readonly number[], last: number): boolean =>
  bytes.slice(0, -1).every(byte => byte === 0) && bytes.at(-1) === last;

const isUnspecified = test(
  bytes => isZeroUpTo(bytes, 0),
  bytes => isZeroUpTo(bytes, 0),
);
const isLoopback = test(
  ([first]) => first === 127,
  bytes => isZeroUpTo(bytes, 1),
);
const isMulticast = test(
  ([first]) => (first! & 0xf0) === 0xe0,
  ([first]) => first === 0xff,
);
const isLinkLocalMulticast = test(
  ([a, b, c]) => a === 224 && b === 0 && c === 0,
  ([a, b]) => a === 0xff && (b! & 0x0f) === 2,
);
const isLinkLocalUnicast = test(
  ([a, b]) => a === 169 && b === 254,
  ([a, b]) => a === 0xfe && (b! & 0xc0) === 0x80,
);
const isBroadcast = test(
  bytes => bytes.every(byte => byte === 255),
  () => false,
);

const isGlobalUnicast = (value: CelOpaque): boolean =>
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast, isBroadcast].some(is => is(value));

const containsCidr = (outer: CelOpaque, inner: CelOpaque): boolean =>
  cidrOf(outer).prefix <= cidrOf(inner).prefix && cidrOf(outer).contains(cidrOf(inner).address);

const containsIp = (cidr: CelOpaque, ip: CelOpaque): boolean => cidrOf(cidr).contains(ipOf(ip));

/** Kubernetes' ip and cidr libraries. */
export const network: Library = {
  ip: [
    ['string_to_ip', '(string) -> IP', toIp],
    ['cidr_ip', 'CIDR.() -> IP', (cidr: CelOpaque) => new CelOpaque(ipType, cidrOf(cidr).address)],
  ],
  isIP: [['is_ip', '(string) -> bool', (text: string) => parses(() => parseIp(text))]],
  'ip.isCanonical': [['ip_is_canonical', '(string) -> bool', (text: string) => String(ipOf(toIp(text))) === text]],
  family: [['ip_family', 'IP.() -> int', (ip: CelOpaque) => (ipOf(ip).bytes.length === 4 ? 4n : 6n)]],
  isUnspecified: [['ip_is_unspecified', 'IP.() -> bool', isUnspecified]],
  isLoopback: [['ip_is_loopback', 'IP.() -> bool', isLoopback]],
  isLinkLocalMulticast: [['ip_is_link_local_multicast', 'IP.() -> bool', isLinkLocalMulticast]],
  isLinkLocalUnicast: [['ip_is_link_local_unicast', 'IP.() -> bool', isLinkLocalUnicast]],
  isGlobalUnicast: [['ip_is_global_unicast', 'IP.() -> bool', isGlobalUnicast]],
  cidr: [['string_to_cidr', '(string) -> CIDR', toCidr]],
  isCIDR: [['is_cidr', '(string) -> bool', (text: string) => parses(() => parseNetwork(text))]],
  containsIP: [
    ['cidr_contains_ip_string', 'CIDR.(string) -> bool', (cidr: CelOpaque, ip: string) => containsIp(cidr, toIp(ip))],
    ['cidr_contains_ip_ip', 'CIDR.(IP) -> bool', containsIp],
  ],
  containsCIDR: [
    [
      'cidr_contains_cidr_string',
      'CIDR.(string) -> bool',
      (outer: CelOpaque, inner: string) => containsCidr(outer, toCidr(inner)),
    ],
    ['cidr_contains_cidr', 'CIDR.(CIDR) -> bool', containsCidr],
  ],
  prefixLength: [['cidr_prefix_length', 'CIDR.() -> int', (cidr: CelOpaque) => BigInt(cidrOf(cidr).prefix)]],
  masked: [['cidr_masked', 'CIDR.() -> CIDR', (cidr: CelOpaque) => new CelOpaque(cidrType, cidrOf(cidr).masked())]],
  string: [
    ['ip_to_string', '(IP) -> string', (ip: CelOpaque) => String(ipOf(ip))],
    ['cidr_to_string', '(CIDR) -> string', (cidr: CelOpaque) => String(cidrOf(cidr))],
  ],
};
