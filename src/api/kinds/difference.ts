import { semanticallyEqual } from './equality.ts';

const maxLines = 20;

/** The members that differ, one a line (`-` before, `+` now): what upstream adds to its "may not change" errors. */
export function describeDifference(before: unknown, now: unknown): string {
  const lines: string[] = [];
  collect(lines, '', { before, now });
  const more = lines.length - maxLines;
  return [...lines.slice(0, maxLines), ...(more > 0 ? [`  ... and ${more} more`] : [])].join('\n');
}

function collect(lines: string[], path: string, { before, now }: { before: unknown; now: unknown }): void {
  if (semanticallyEqual(before, now)) return;
  if (isObject(before) && isObject(now)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const at = Array.isArray(before) ? `${path}[${key}]` : path ? `${path}.${key}` : key;
      collect(lines, at, { before: before[key], now: now[key] });
    }
    return;
  }
  if (before !== undefined) lines.push(`- ${path}: ${JSON.stringify(before)}`);
  if (now !== undefined) lines.push(`+ ${path}: ${JSON.stringify(now)}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
