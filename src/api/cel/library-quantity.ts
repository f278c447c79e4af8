import { isWhole, parseNano } from '../kinds/quantity.ts';
import { fault } from './errors.ts';
import { isSemver, parseSemver, type Semver, SemverProblem } from './semver.ts';
import type { Bound, Library } from './signature.ts';
import { quantityType, semverType } from './types.ts';
import { CelOpaque, isInt64 } from './values.ts';

/** Billionths, which is as fine as a quantity goes. */
class Quantity {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
  equals(other: unknown): boolean {
    return other instanceof Quantity && other.nanos === this.nanos;
  }
}

const nanosPerUnit = 1_000_000_000n;
const made = (nanos: bigint): CelOpaque => new CelOpaque(quantityType, new Quantity(nanos));
const nanosOf = ({ content }: CelOpaque): bigint => (content as Quantity).nanos;

/** Longer texts are no quantities: reading the digits takes more than linear time. */
const maxQuantityLength = 1000;

function parse(text: string): bigint | undefined {
  return text.length > maxQuantityLength ? undefined : parseNano(text);
}

const badQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const sign = (value: bigint): bigint => (value > 0n ? 1n : value < 0n ? -1n : 0n);

/** The whole number of a quantity that is one and fits. */
function integer(quantity: CelOpaque): bigint | undefined {
  const nanos = nanosOf(quantity);
  const whole = nanos / nanosPerUnit;
  return isWhole(nanos) && isInt64(whole) ? whole : undefined;
}

const difference = (left: CelOpaque, right: CelOpaque): bigint => sign(nanosOf(left) - nanosOf(right));

const semverOf = (text: string, normalize?: boolean): CelOpaque => {
  try {
    return new CelOpaque(semverType, parseSemver(text, normalize === true));
  } catch (error) {
    if (error instanceof SemverProblem) return fault(error.message);
    throw error;
  }
};

const version = ({ content }: CelOpaque): Semver => content as Semver;
const compareVersions = (left: CelOpaque, right: CelOpaque): bigint => BigInt(version(left).compare(version(right)));

/** What reading a short quantity takes, in units of work. */
const parseWork = 25;

function parsing(read: (text: string) => unknown): Bound {
  return {
    bind:
      ({ work }) =>
      (text: string) => {
        work(parseWork + text.length);
        return read(text);
      },
  };
}

/** Kubernetes' quantity and semver libraries, which share some names. `sign` is a function upstream and a member in its documentation: both work. */
export const quantities: Library = {
  quantity: [['string_to_quantity', '(string) -> Quantity', parsing(text => made(parse(text) ?? fault(badQuantity)))]],
  isQuantity: [['is_quantity_string', '(string) -> bool', parsing(text => parse(text) !== undefined)]],
  sign: [
    ['quantity_sign', '(Quantity) -> int', (quantity: CelOpaque) => sign(nanosOf(quantity))],
    ['quantity_sign_member', 'Quantity.() -> int', (quantity: CelOpaque) => sign(nanosOf(quantity))],
  ],
  isGreaterThan: [
    ['quantity_is_greater_than', 'Quantity.(Quantity) -> bool', (a: CelOpaque, b: CelOpaque) => difference(a, b) > 0n],
    ['semver_is_greater_than', 'Semver.(Semver) -> bool', (a: CelOpaque, b: CelOpaque) => compareVersions(a, b) > 0n],
  ],
  isLessThan: [
    ['quantity_is_less_than', 'Quantity.(Quantity) -> bool', (a: CelOpaque, b: CelOpaque) => difference(a, b) < 0n],
    ['semver_is_less_than', 'Semver.(Semver) -> bool', (a: CelOpaque, b: CelOpaque) => compareVersions(a, b) < 0n],
  ],
  compareTo: [
    ['quantity_compare_to', 'Quantity.(Quantity) -> int', difference],
    ['semver_compare_to', 'Semver.(Semver) -> int', compareVersions],
  ],
  asApproximateFloat: [
    ['quantity_get_float', 'Quantity.() -> double', (quantity: CelOpaque) => Number(nanosOf(quantity)) / 1e9],
  ],
  asInteger: [
    [
      'quantity_get_int',
      'Quantity.() -> int',
      (quantity: CelOpaque) => integer(quantity) ?? fault('cannot convert value to integer'),
    ],
  ],
  isInteger: [['quantity_is_integer', 'Quantity.() -> bool', (quantity: CelOpaque) => integer(quantity) !== undefined]],
  add: [
    ['quantity_add', 'Quantity.(Quantity) -> Quantity', (a: CelOpaque, b: CelOpaque) => made(nanosOf(a) + nanosOf(b))],
    [
      'quantity_add_int',
      'Quantity.(int) -> Quantity',
      (a: CelOpaque, b: bigint) => made(nanosOf(a) + b * nanosPerUnit),
    ],
  ],
  sub: [
    ['quantity_sub', 'Quantity.(Quantity) -> Quantity', (a: CelOpaque, b: CelOpaque) => made(nanosOf(a) - nanosOf(b))],
    [
      'quantity_sub_int',
      'Quantity.(int) -> Quantity',
      (a: CelOpaque, b: bigint) => made(nanosOf(a) - b * nanosPerUnit),
    ],
  ],
  semver: [
    ['string_to_semver', '(string) -> Semver', semverOf],
    ['string_bool_to_semver', '(string, bool) -> Semver', semverOf],
  ],
  isSemver: [
    ['is_semver_string', '(string) -> bool', isSemver],
    ['is_semver_string_bool', '(string, bool) -> bool', isSemver],
  ],
  major: [['semver_major', 'Semver.() -> int', (value: CelOpaque) => version(value).numbers[0]]],
  minor: [['semver_minor', 'Semver.() -> int', (value: CelOpaque) => version(value).numbers[1]]],
  patch: [['semver_patch', 'Semver.() -> int', (value: CelOpaque) => version(value).numbers[2]]],
};
