import { ConfigError } from './config.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `1h30m`, `10s`, `0` as Go writes durations; in milliseconds. Throws ConfigError naming the option. */
export function parseDuration(name: string, text: string): number {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new ConfigError(`${name}: ${JSON.stringify(text)} is not a duration like 30s or 1h30m`);
  }
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) sum += Number(amount) * units[unit!]!;
  return sum;
}
