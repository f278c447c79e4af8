const form = /^([+-]?)(\d+|\d+\.\d*|\.\d+)(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;

const binary: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};

const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

const nano = 1_000_000_000n;

/** An amount in billionths, rounded up: what quantities are compared by. Undefined when the text is no quantity. */
export function parseNano(text: string | number): bigint | undefined {
  const match = form.exec(String(text));
  if (!match) return undefined;
  const [, sign, digits = '', suffix = '', exponent] = match;
  const dot = digits.indexOf('.');
  const whole = BigInt(dot < 0 ? digits : digits.slice(0, dot) + digits.slice(dot + 1) || '0');
  const places = dot < 0 ? 0 : digits.length - dot - 1;
  const factor = binary[suffix];
  const power = (exponent !== undefined ? Number(exponent) : (decimal[suffix] ?? 0)) - places;
  const scaled = whole * (factor ?? 1n) * nano;
  const value = power >= 0 ? scaled * 10n ** BigInt(power) : divideUp(scaled, 10n ** BigInt(-power));
  return sign === '-' ? -value : value;
}

function divideUp(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

/** True for a whole number of units. */
export function isWhole(nanos: bigint): boolean {
  return nanos % nano === 0n;
}

/** Amounts equal whatever their spelling: `1000m` is `1`. */
export function quantitiesEqual(left: string | undefined, right: string | undefined): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  const a = parseNano(left);
  return a !== undefined && a === parseNano(right);
}
