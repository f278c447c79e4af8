import { addressFamily, formatCidr, parseCidr } from '#base';
import type { FieldError } from '../kind.ts';
import { invalid } from './field-error.ts';

/** 4, 6, or undefined for what is no address. */
export { addressFamily };

const addressText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const rangeText = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
const interfaceText = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)';

/**
 * An address of either family, in whatever form. Values that were there before (`known`) stay. False when it is none. Source: apimachinery's
 * IsValidIPForLegacyField, strict.
 */
export function checkAddress(
  errors: FieldError[],
  field: string,
  value: string,
  known: readonly string[] = [],
): boolean {
  if (known.includes(value)) return true;
  const problem = describeAddressProblem(value);
  if (problem) errors.push(invalid(field, value, problem));
  return problem === undefined;
}

/** The same, and in the one form that Go writes. Source: IsValidIP. */
export function checkCanonicalAddress(errors: FieldError[], field: string, value: string): boolean {
  if (!checkAddress(errors, field, value)) return false;
  const canonical = canonicalAddress(value);
  if (canonical === value) return true;
  errors.push(invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`));
  return false;
}

/** A range of either family, without bits behind its prefix. Source: IsValidCIDRForLegacyField, strict. */
export function checkCidr(errors: FieldError[], field: string, value: string, known: readonly string[] = []): boolean {
  if (known.includes(value)) return true;
  const problem = describeRangeProblem(value);
  if (problem) errors.push(invalid(field, value, problem));
  return problem === undefined;
}

/** The same, and in the one form that Go writes. Source: IsValidCIDR. */
export function checkCanonicalCidr(errors: FieldError[], field: string, value: string): void {
  if (!checkCidr(errors, field, value)) return;
  const canonical = formatCidr(parseCidr(value)!);
  if (canonical === value) return;
  errors.push(invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`));
}

/** An address and the length of its network, as network interfaces have them. Source: IsValidInterfaceAddress. */
export function checkInterfaceAddress(errors: FieldError[], field: string, value: string): void {
  const parsed = splitRange(value);
  if (!parsed) return void errors.push(invalid(field, value, interfaceText));
  const mapped = mappedIpv4(parsed.address);
  const length = mapped && parsed.length > 32 ? parsed.length - 96 : parsed.length;
  const canonical = `${mapped ?? canonicalAddress(parsed.address)}/${length}`;
  if (canonical === value) return;
  errors.push(invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`));
}

/** An address as Go writes it (RFC 5952); the value is an address. */
export function canonicalAddress(value: string): string {
  const family = addressFamily(value);
  const range = parseCidr(`${value}/${family === 4 ? 32 : 128}`);
  return range ? formatCidr(range).replace(/\/\d+$/, '') : value;
}

/** The IPv4 address in IPv6 clothes, `::ffff:1.2.3.4`; undefined for others. */
export function mappedIpv4(value: string): string | undefined {
  if (addressFamily(value) !== 6) return undefined;
  const canonical = canonicalAddress(value);
  if (!canonical.startsWith('::ffff:')) return undefined;
  const rest = canonical.slice('::ffff:'.length);
  if (rest.includes('.')) return rest;
  const [high = 0, low = 0] = rest.split(':').map(part => Number.parseInt(part, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function describeAddressProblem(value: string): string | undefined {
  const plain = withoutZeros(value);
  if (isAddress(plain) && plain !== value) return 'must not have leading 0s';
  if (!isAddress(value)) return addressText;
  return mappedIpv4(value) === undefined ? undefined : 'must not be an IPv4-mapped IPv6 address';
}

function describeRangeProblem(value: string): string | undefined {
  const parsed = splitRange(value);
  if (!parsed) return rangeText;
  if (parsed.hasZeros) return 'must not have leading 0s in IP or prefix length';
  if (mappedIpv4(parsed.address) !== undefined) return 'must not have an IPv4-mapped IPv6 address';
  const network = formatCidr(parseCidr(value)!).replace(/\/\d+$/, '');
  return network === canonicalAddress(parsed.address) ? undefined : 'must not have bits set beyond the prefix length';
}

interface SplitRange {
  readonly address: string;
  readonly length: number;
  readonly hasZeros: boolean;
}

function splitRange(value: string): SplitRange | undefined {
  const [given = '', prefix = '', ...rest] = value.split('/');
  const address = withoutZeros(given);
  if (rest.length > 0 || !/^\d+$/.test(prefix) || !isAddress(address)) return undefined;
  const length = Number(prefix);
  if (length > (addressFamily(address) === 4 ? 32 : 128)) return undefined;
  return { address, length, hasZeros: address !== given || /^0\d/.test(prefix) };
}

/** Zones (`fe80::1%eth0`) are no part of an address here. */
function isAddress(value: string): boolean {
  return !value.includes('%') && addressFamily(value) !== undefined;
}

/** An IPv4 address as old versions of Go read it: zeros before a number meant nothing. */
function withoutZeros(value: string): string {
  if (!/^\d+(?:\.\d+){3}$/.test(value)) return value;
  return value.replace(/(^|\.)0+(?=\d)/g, '$1');
}
