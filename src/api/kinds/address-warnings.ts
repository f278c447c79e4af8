import { addressFamily, formatCidr, parseCidr } from '#base';
import { canonicalAddress, mappedIpv4 } from './addresses.ts';

/** What is unusual about how an address is written, which must be valid. Source: GetWarningsForIP of apimachinery. */
export function warnAboutAddress(path: string, value: string): string[] {
  const family = addressFamily(value);
  if (family === undefined) return [];
  const mapped = mappedIpv4(value);
  if (mapped !== undefined) {
    return [`${path}: non-standard IP address ${JSON.stringify(value)} is invalid: use ${JSON.stringify(mapped)}`];
  }
  const canonical = canonicalAddress(value);
  if (family === 4 || canonical === value) return [];
  const form = `RFC 5952 canonical format (${JSON.stringify(canonical)})`;
  return [`${path}: IPv6 address ${JSON.stringify(value)} should be in ${form}`];
}

/** The same for a range. Source: GetWarningsForCIDR of apimachinery. */
export function warnAboutRange(path: string, value: string): string[] {
  const range = parseCidr(value);
  const [address = ''] = value.split('/');
  const family = addressFamily(address);
  if (!range || family === undefined) return [];
  const network = formatCidr(range);
  const single = `${canonicalAddress(address)}/${family === 4 ? 32 : 128}`;
  if (network.split('/')[0] !== single.split('/')[0]) {
    const choice = `should be ${JSON.stringify(network)} or ${JSON.stringify(single)}?`;
    return [`${path}: CIDR value ${JSON.stringify(value)} is ambiguous in this context (${choice})`];
  }
  if (family === 4 || network === value) return [];
  const form = `RFC 5952 canonical format (${JSON.stringify(network)})`;
  return [`${path}: IPv6 CIDR value ${JSON.stringify(value)} should be in ${form}`];
}
