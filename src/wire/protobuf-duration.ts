const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** `1h2m3.5s` to nanoseconds, as Go's time.ParseDuration; undefined for other texts. */
export function parseGoDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  if (!/^[+-]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0n;
  for (const [, whole, fraction = '', unit] of text.matchAll(/(\d+)(?:\.(\d*))?(ns|us|µs|ms|s|m|h)/g)) {
    const scale = units[unit!]!;
    sum += BigInt(whole!) * scale + (fraction ? (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length) : 0n);
  }
  return text.startsWith('-') ? -sum : sum;
}

/** As Go's Duration.String: `1h0m0s`, `1.5s`, `0s`. */
export function formatGoDuration(nanoseconds: bigint): string {
  if (nanoseconds < 0n) return `-${formatGoDuration(-nanoseconds)}`;
  if (nanoseconds === 0n) return '0s';
  const small = (['ns', 'µs', 'ms'] as const).find(unit => nanoseconds < units[unit]! * 1000n);
  if (small) return `${decimal(nanoseconds, units[small]!)}${small}`;
  const minutes = nanoseconds / units['m']!;
  const seconds = `${decimal(nanoseconds % units['m']!, units['s']!)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, scale: bigint): string {
  const fraction =
    scale === 1n
      ? ''
      : String(value % scale)
          .padStart(String(scale).length - 1, '0')
          .replace(/0+$/, '');
  return `${value / scale}${fraction && `.${fraction}`}`;
}
