import type { Token } from './lexer.ts';
import { CelUint, isInt64, isUint64 } from './values.ts';

/** The value of a number token: bigint for int, `CelUint`, number for double; undefined when out of range. */
export function numberLiteral(token: Token, sign: string): unknown {
  if (token.kind === 'float') {
    const value = Number(sign + token.text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (token.kind === 'uint') {
    const value = BigInt(token.text.slice(0, -1));
    return isUint64(value) ? new CelUint(value) : undefined;
  }
  const magnitude = BigInt(token.text);
  const value = sign === '-' ? -magnitude : magnitude;
  return isInt64(value) ? value : undefined;
}
