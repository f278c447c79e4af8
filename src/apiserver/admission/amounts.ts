/** A quantity as a number that can be reckoned with: billionths, exactly, and the form that it is written in. */
export interface Amount {
  readonly nano: bigint;
  readonly form: 'binary' | 'decimal';
}

const nanoPerUnit = 1_000_000_000n;
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const form = /^([+-]?)(\d*)(?:\.(\d*))?(?:(Ki|Mi|Gi|Ti|Pi|Ei)|([numkMGTPE]?)|[eE]([+-]?\d{1,3}))$/;

export const noAmount: Amount = { nano: 0n, form: 'decimal' };

/** Reads `100m`, `1.5Gi`, `2e3` or a plain number; finer parts than a billionth are rounded up. Throws RangeError for anything else. */
export function parseAmount(quantity: string | number): Amount {
  const [, sign, whole = '', fraction = '', binary, decimal, exponent] = form.exec(String(quantity)) ?? [];
  if (sign === undefined || whole + fraction === '') throw new RangeError(`not a quantity: ${quantity}`);
  const digits = BigInt(whole + fraction);
  const scale = BigInt(fraction.length);
  const power = exponent === undefined ? (decimalSuffixes.indexOf(decimal ?? '') - 3) * 3 : Number(exponent);
  const factor =
    binary === undefined ? 10n ** BigInt(Math.max(0, power)) : 1024n ** BigInt(binarySuffixes.indexOf(binary));
  const divisor = 10n ** scale * (binary === undefined ? 10n ** BigInt(Math.max(0, -power)) : 1n);
  const nano = divideUp(digits * nanoPerUnit * factor, divisor);
  return { nano: sign === '-' ? -nano : nano, form: binary === undefined ? 'decimal' : 'binary' };
}

/** The canonical text, as upstream writes it: no fraction, the largest suffix that loses nothing. */
export function formatAmount({ nano, form: written }: Amount): string {
  const isWhole = nano % nanoPerUnit === 0n;
  const units = nano / nanoPerUnit;
  if (written === 'binary' && isWhole && (units >= 1024n || units <= -1024n)) {
    return strip(units, 1024n, binarySuffixes, 0);
  }
  return nano === 0n ? '0' : strip(nano, 1000n, decimalSuffixes, 0);
}

function strip(value: bigint, base: bigint, suffixes: readonly string[], from: number): string {
  let [rest, index] = [value, from];
  while (rest !== 0n && rest % base === 0n && index < suffixes.length - 1) {
    rest /= base;
    index++;
  }
  return `${rest}${suffixes[index]}`;
}

export function addAmounts(left: Amount, right: Amount): Amount {
  return { nano: left.nano + right.nano, form: left.nano === 0n ? right.form : left.form };
}

/** Negative, zero or positive, as for sorting. */
export function compareQuantities(left: string | number, right: string | number): number {
  const difference = parseAmount(left).nano - parseAmount(right).nano;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function divideUp(value: bigint, divisor: bigint): bigint {
  return value / divisor + (value % divisor === 0n ? 0n : 1n);
}

/** Amounts by resource name. */
export type Amounts = ReadonlyMap<string, Amount>;

export function toAmounts(quantities: Readonly<Record<string, string | number>> | undefined): Map<string, Amount> {
  return new Map(Object.entries(quantities ?? {}).map(([name, quantity]) => [name, parseAmount(quantity)]));
}

/** Adds `more` to `into`, in place. */
export function addAll(into: Map<string, Amount>, more: Amounts): void {
  for (const [name, amount] of more) into.set(name, addAmounts(into.get(name) ?? noAmount, amount));
}

/** The larger of both for every name, in place. */
export function maxAll(into: Map<string, Amount>, more: Amounts): void {
  for (const [name, amount] of more) {
    const before = into.get(name);
    if (!before || before.nano < amount.nano) into.set(name, amount);
  }
}
