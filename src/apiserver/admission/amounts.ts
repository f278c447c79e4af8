import { formatNano, quantityToNano } from '#api';

/** A quantity as a number that can be reckoned with: billionths, exactly, and the form that it is written in. */
export interface Amount {
  readonly nano: bigint;
  readonly form: 'binary' | 'decimal';
}

export const noAmount: Amount = { nano: 0n, form: 'decimal' };

/** Reads `100m`, `1.5Gi`, `2e3` or a plain number; finer parts than a billionth are rounded up. Throws RangeError for anything else. */
export function parseAmount(quantity: string | number): Amount {
  const nano = quantityToNano(quantity);
  if (nano === undefined) throw new RangeError(`not a quantity: ${quantity}`);
  return { nano, form: String(quantity).endsWith('i') ? 'binary' : 'decimal' };
}

/** The canonical text, as upstream writes it: no fraction, the largest suffix that loses nothing. */
export function formatAmount({ nano, form }: Amount): string {
  return formatNano(nano, form);
}

export function addAmounts(left: Amount, right: Amount): Amount {
  return { nano: left.nano + right.nano, form: left.nano === 0n ? right.form : left.form };
}

/** Negative, zero or positive, as for sorting. */
export function compareQuantities(left: string | number, right: string | number): number {
  const difference = parseAmount(left).nano - parseAmount(right).nano;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
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
