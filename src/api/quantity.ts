import { parseNano } from './kinds/quantity.ts';

const nanosPerUnit = 1_000_000_000n;

/** Thousandths, rounded up as upstream's MilliValue; 0 for what is no quantity. */
export function quantityToMilli(quantity: string | number | undefined): number {
  const nanos = quantity === undefined ? undefined : parseNano(quantity);
  return nanos === undefined ? 0 : Number(ceilDivide(nanos, 1_000_000n));
}

/** Whole units, rounded up as upstream's Value; 0 for what is no quantity. */
export function quantityToNumber(quantity: string | number | undefined): number {
  const nanos = quantity === undefined ? undefined : parseNano(quantity);
  return nanos === undefined ? 0 : Number(ceilDivide(nanos, nanosPerUnit));
}

/** Billionths, exactly, finer parts rounded up; undefined for what is no quantity. */
export function quantityToNano(quantity: string | number): bigint | undefined {
  return parseNano(quantity);
}

/** True when the text is a quantity (`100m`, `1.5Gi`, `2e3`). */
export function isQuantity(text: string | number): boolean {
  return parseNano(text) !== undefined;
}

/** Negative, zero or positive, as `left` is smaller, equal or larger. Both must be quantities. */
export function compareQuantities(left: string, right: string): number {
  const difference = (parseNano(left) ?? 0n) - (parseNano(right) ?? 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The sum, written in the suffix family of the first. */
export function addQuantities(left: string, right: string): string {
  return formatNano((parseNano(left) ?? 0n) + (parseNano(right) ?? 0n), suffixFamily(left));
}

/** The canonical form: the largest suffix that leaves a whole number, in the family (binary or decimal) of the text. Unchanged when it is none. */
export function canonicalQuantity(text: string | number): string {
  const nanos = parseNano(text);
  return nanos === undefined ? String(text) : formatNano(nanos, suffixFamily(String(text)));
}

type Family = 'binary' | 'decimal' | 'exponent';

function suffixFamily(text: string): Family {
  if (/i$/.test(text)) return 'binary';
  return /[eE]\d/.test(text) ? 'exponent' : 'decimal';
}

const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimal: readonly [suffix: string, power: number][] = [
  ['E', 18],
  ['P', 15],
  ['T', 12],
  ['G', 9],
  ['M', 6],
  ['k', 3],
  ['', 0],
  ['m', -3],
  ['u', -6],
  ['n', -9],
];

/** Billionths as text: the largest suffix of the family that leaves a whole number. */
export function formatNano(nanos: bigint, family: Family): string {
  if (nanos === 0n) return '0';
  if (family === 'binary' && nanos % nanosPerUnit === 0n) {
    let units = nanos / nanosPerUnit;
    if (units >= 1024n || units <= -1024n) {
      let power = 0;
      while (units % 1024n === 0n && power < binary.length - 1) {
        units /= 1024n;
        power++;
      }
      return `${units}${binary[power]}`;
    }
  }
  for (const [suffix, power] of decimal) {
    const scale = 10n ** BigInt(power + 9);
    if (nanos % scale !== 0n) continue;
    return `${nanos / scale}${family === 'exponent' && power !== 0 ? `e${power}` : suffix}`;
  }
  return `${nanos}n`;
}

function ceilDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value > 0n && value % by !== 0n ? quotient + 1n : quotient;
}
