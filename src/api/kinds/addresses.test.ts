import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldError } from '../kind.ts';
import {
  checkAddress,
  checkCanonicalAddress,
  checkCanonicalCidr,
  checkCidr,
  checkInterfaceAddress,
} from './addresses.ts';

type Check = (errors: FieldError[], field: string, value: string) => unknown;

function detailOf(check: Check, value: string): string | undefined {
  const errors: FieldError[] = [];
  check(errors, 'f', value);
  return errors[0]?.message.replace(`Invalid value: ${JSON.stringify(value)}: `, '');
}

const noAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const noRange = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
const noInterface = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)';

const cases: readonly (readonly [string, Check, Readonly<Record<string, string | undefined>>])[] = [
  [
    'addresses',
    checkAddress,
    {
      '10.9.8.7': undefined,
      'FE80:0::1': undefined,
      '10.009.8.7': 'must not have leading 0s',
      '::ffff:1.2.3.4': 'must not be an IPv4-mapped IPv6 address',
      '10.9.8': noAddress,
      '10.9.8.256': noAddress,
      'fe80::1%eth0': noAddress,
    },
  ],
  [
    'addresses of one form',
    checkCanonicalAddress,
    { 'fe80::1': undefined, 'FE80:0::1': 'must be in canonical form ("fe80::1")', x: noAddress },
  ],
  [
    'ranges',
    checkCidr,
    {
      '10.9.8.0/24': undefined,
      'FD00::/8': undefined,
      '10.9.8.7/24': 'must not have bits set beyond the prefix length',
      '10.9.8.0/024': 'must not have leading 0s in IP or prefix length',
      '010.9.8.0/24': 'must not have leading 0s in IP or prefix length',
      '::ffff:1.2.3.0/120': 'must not have an IPv4-mapped IPv6 address',
      '10.9.8.0/33': noRange,
      '10.9.8.0': noRange,
    },
  ],
  [
    'ranges of one form',
    checkCanonicalCidr,
    { 'FD00::/8': 'must be in canonical form ("fd00::/8")', 'fd00::/8': undefined },
  ],
  [
    'addresses of interfaces',
    checkInterfaceAddress,
    {
      '10.9.8.7/24': undefined,
      '10.9.8.7/024': 'must be in canonical form ("10.9.8.7/24")',
      '::ffff:192.168.0.1/120': 'must be in canonical form ("192.168.0.1/24")',
      '10.9.8.7': noInterface,
    },
  ],
];

for (const [name, check, values] of cases) {
  test(`${name} are judged as upstream does`, () => {
    for (const value in values) assert.equal(detailOf(check, value), values[value], value);
  });
}

test('an address that was there before stays', () => {
  const errors: FieldError[] = [];
  checkAddress(errors, 'f', '010.0.0.1', ['010.0.0.1']);
  checkCidr(errors, 'f', '10.0.0.1/8', ['10.0.0.1/8']);
  assert.deepEqual(errors, []);
});
