/** docs/reference/benchmarks.md: a heading and a table for each group; a run replaces the parts that it measured and leaves the others. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Group, Result, Round } from './measurement.ts';

export function writePage(path: string, group: Group, results: readonly Result[]): void {
  const sections = existsSync(path) ? readSections(readFileSync(path, 'utf8')) : new Map<string, string>();
  sections.set(group.title, section(results));
  const parts = [...sections].map(([title, text]) => `## ${title}\n\n${text.trim()}\n`);
  writeFileSync(path, [heading, ...parts].join('\n'));
}

const heading = `# Benchmarks

Written by \`make bench\`. What counts is the ratio to the simplest program that does the same work on the same machine at the same time: five rounds,
both in turn, and the median of the five ratios. The absolute numbers tell about the machine, and are medians too. Load generator and server are
processes of their own and share the machine.
`;

function readSections(text: string): Map<string, string> {
  const parts = text.split(/^## /m).slice(1);
  return new Map(parts.map(part => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]));
}

function section(results: readonly Result[]): string {
  const notes = results.flatMap(({ measurement: { name, note } }) => (note ? [`**${name}.** ${note}`, ''] : []));
  return [
    `Measured on ${describeMachine()}, ${new Date().toISOString().slice(0, 10)}.`,
    '',
    '| what | against | bar | ratio | Wherry | the other | server CPU per call | verdict |',
    '|---|---|---|---|---|---|---|---|',
    ...results.map(row),
    '',
    ...notes,
  ].join('\n');
}

function row({ measurement, rows, verdict }: Result): string {
  const { name, against, bar, unit } = measurement;
  const middle = (pick: (row: Round & { ratio: number }) => number) => format(median(rows.map(pick)));
  const cpu = rows[0]?.cpuUs ? `${middle(one => one.cpuUs!.ours)} / ${middle(one => one.cpuUs!.theirs)} µs` : '';
  const numbers = rows.length
    ? [
        `${middle(one => one.ratio)}x`,
        `${middle(one => one.ours)} ${unit}`,
        `${middle(one => one.theirs)} ${unit}`,
        cpu,
      ]
    : ['', '', '', ''];
  return `| ${[name, against, `${bar.kind} ${bar.ratio}x`, ...numbers, verdict].join(' | ')} |`;
}

function describeMachine(): string {
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores, ${gib} GiB, Linux ${release().split('-')[0]}, Node ${process.version}, load average over the last five minutes ${format(loadavg()[1]!)}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
