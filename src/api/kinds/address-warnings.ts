import { addressFamily, formatCidr, parseCidr } from '#base';

/** What is unusual about how an address is written, which must be valid. Source: GetWarningsForIP of apimachinery. */
export function warnAboutAddress(path: string, value: string): string[] {
  const family = addressFamily(value);
  if (family === undefined) return [];
  const canonical = canonicalAddress(value, family);
  if (family === 6 && isMapped(value)) {
    const advice = `will be considered invalid in a future Kubernetes release: use ${JSON.stringify(toIpv4(canonical))}`;
    return [`${path}: non-standard IP address ${JSON.stringify(value)} ${advice}`];
  }
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
  const single = `${canonicalAddress(address, family)}/${family === 4 ? 32 : 128}`;
  if (network.split('/')[0] !== single.split('/')[0]) {
    const choice = `should be ${JSON.stringify(network)} or ${JSON.stringify(single)}?`;
    return [`${path}: CIDR value ${JSON.stringify(value)} is ambiguous in this context (${choice})`];
  }
  if (family === 4 || network === value) return [];
  const form = `RFC 5952 canonical format (${JSON.stringify(network)})`;
  return [`${path}: IPv6 CIDR value ${JSON.stringify(value)} should be in ${form}`];
}

function canonicalAddress(value: string, family: 4 | 6): string {
  const range = parseCidr(`${value}/${family === 4 ? 32 : 128}`);
  return range ? formatCidr(range).replace(/\/\d+$/, '') : value;
}

/** An IPv4 address in IPv6 clothes, `::ffff:1.2.3.4`. */
function isMapped(value: string): boolean {
  return canonicalAddress(value, 6).startsWith('::ffff:');
}

function toIpv4(mapped: string): string {
  const rest = mapped.slice('::ffff:'.length);
  if (rest.includes('.')) return rest;
  const [high = 0, low = 0] = rest.split(':').map(part => Number.parseInt(part, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
