/**
 * `make bench`: every number of docs/reference/benchmarks.md. Each measurement runs five times, Wherry and what it is compared with in turn, and the
 * median of the five ratios counts: machines are noisy, ratios inside one run less so. Name some on the command line to run only those.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpus, totalmem } from 'node:os';
import { root, say } from '../tools/server.ts';
import { apiMeasurements } from './api.ts';
import type { Measurement, Result } from './measurement.ts';
import { nodeMeasurements } from './node.ts';

const rounds = 5;

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const all = [...apiMeasurements, ...nodeMeasurements];
  const chosen = wanted.length ? all.filter(({ name }) => wanted.some(word => name.includes(word))) : all;
  const results: Result[] = [];
  for (const measurement of chosen) {
    say(measurement.name);
    const result = await runMeasurement(measurement);
    results.push(result);
    say(`  ${result.verdict}`);
  }
  if (!wanted.length) writeFileSync(join(root, 'docs/reference/benchmarks.md'), page(results));
}

async function runMeasurement(measurement: Measurement): Promise<Result> {
  const missing = await measurement.missing?.();
  if (missing) return { measurement, verdict: `not measured: ${missing}`, rows: [] };
  const rows: { ours: number; theirs: number; ratio: number }[] = [];
  await using bench = await measurement.open();
  for (let round = 0; round < (measurement.rounds ?? rounds); round++) {
    const { ours, theirs } = await bench.round();
    rows.push({ ours, theirs, ratio: ours / theirs });
    say(`  ${format(ours)} ${measurement.unit} against ${format(theirs)}: ${(ours / theirs).toFixed(2)}x`);
  }
  const ratio = median(rows.map(row => row.ratio));
  const met = measurement.bar.kind === 'at least' ? ratio >= measurement.bar.ratio : ratio <= measurement.bar.ratio;
  return { measurement, rows, verdict: `${ratio.toFixed(2)}x, bar ${measurement.bar.kind} ${measurement.bar.ratio}x: ${met ? 'met' : 'NOT met'}` };
}

function page(results: readonly Result[]): string {
  const cpu = cpus();
  const lines = results.map(({ measurement, rows, verdict }) => {
    const ours = rows.length ? `${format(median(rows.map(row => row.ours)))} ${measurement.unit}` : '';
    const theirs = rows.length ? `${format(median(rows.map(row => row.theirs)))} ${measurement.unit}` : '';
    return `| ${measurement.name} | ${ours} | ${measurement.against}: ${theirs} | ${verdict} |`;
  });
  return [
    '# Benchmarks',
    '',
    `Written by \`make bench\` on ${cpu.length} × ${cpu[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}.`,
    'Medians of five rounds; the ratio is the median of the ratios inside each round. Load and server share the machine.',
    '',
    '| what | Wherry | against | ratio and bar |',
    '|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

main().catch(error => {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
});
