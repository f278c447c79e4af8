import { addressFamily, parseCidr } from '#base';
import type { FieldError } from '../kind.ts';
import { invalid } from './field-error.ts';

/** 4, 6, or undefined for what is no address. */
export { addressFamily };

/** An address of either family. */
export function checkAddress(errors: FieldError[], field: string, value: string): void {
  if (addressFamily(value) === undefined) {
    errors.push(invalid(field, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
  }
}

/** A range of either family. */
export function checkCidr(errors: FieldError[], field: string, value: string): void {
  if (parseCidr(value) === undefined) {
    errors.push(invalid(field, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  }
}
