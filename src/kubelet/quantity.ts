import type { Quantity } from '#api';
import { quantityToMilli } from '#api';

/** The amount in units of the divisor (default 1), rounded up, as resourceFieldRef wants it. */
export function dividedBy(quantity: Quantity, divisor: Quantity | undefined): string {
  const by = divisor === undefined || divisor === '0' ? 1000 : quantityToMilli(divisor);
  return String(Math.ceil(quantityToMilli(quantity) / by));
}
