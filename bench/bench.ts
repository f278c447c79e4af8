/**
 * `make bench`: every number of docs/reference/benchmarks.md. `node bench/bench.ts [api|node] [--write] [words...]` runs one group, or the measurements
 * whose names contain a word. Each runs five times, Wherry and what it is compared with in turn, and the median of the five ratios counts: machines
 * are noisy, ratios inside one run less so. `--write` puts whole groups into the page.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, say } from '../tools/server.ts';
import type { Group, Measurement, Result } from './measurement.ts';
import { format, median, writePage } from './page.ts';

const rounds = 5;
const groups = ['api', 'node'];

/** Aborts when somebody wants it to end: what a measurement has started and made is then cleared away. */
const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say(`${signal}: ends after this round`);
    ended.abort(new Error(`ended by ${signal}`));
  });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { write: { type: 'boolean' } }, allowPositionals: true });
  const words = positionals.filter(word => !groups.includes(word));
  if (values.write && words.length) throw new Error('--write takes whole groups: api, node');
  for (const name of groups) {
    if (positionals.some(word => groups.includes(word)) && !positionals.includes(name)) continue;
    const group = await loadGroup(name);
    if (!group) say(`${name} measurements: not run: bench/${name}.ts is not there`);
    else await runGroup(group, words, values.write ?? false);
  }
}

async function loadGroup(name: string): Promise<Group | undefined> {
  const path = join(root, 'bench', `${name}.ts`);
  if (!existsSync(path)) return undefined;
  const { group } = (await import(path)) as { group: Group };
  return group;
}

async function runGroup(group: Group, words: readonly string[], write: boolean): Promise<void> {
  const isWanted = ({ name }: Measurement) => words.length === 0 || words.some(word => name.includes(word));
  const results: Result[] = [];
  for (const measurement of group.measurements.filter(isWanted)) {
    say(measurement.name);
    const result = await runMeasurement(measurement);
    results.push(result);
    if (result.rows.length) say(`  ${format(median(result.rows.map(row => row.ratio)))}x`);
    say(`  ${result.verdict}`);
  }
  if (write) writePage(join(root, 'docs/reference/benchmarks.md'), group, results);
}

async function runMeasurement(measurement: Measurement): Promise<Result> {
  const missing = await measurement.missing?.();
  if (missing) return { measurement, verdict: `not measured: ${missing}`, rows: [] };
  const rows: Result['rows'][number][] = [];
  await using bench = await measurement.open();
  for (let index = 0; index < (measurement.rounds ?? rounds); index++) {
    const round = await bench.round(index);
    ended.signal.throwIfAborted();
    const { ours, theirs, cpuUs } = round;
    rows.push({ ...round, ratio: ours / theirs });
    const cpu = cpuUs ? ` (server CPU ${format(cpuUs.ours)} against ${format(cpuUs.theirs)} µs)` : '';
    say(`  ${format(ours)} ${measurement.unit} against ${format(theirs)}: ${(ours / theirs).toFixed(2)}x${cpu}`);
  }
  const ratio = median(rows.map(row => row.ratio));
  const { kind, ratio: bar } = measurement.bar;
  const isMet = kind === 'at least' ? ratio >= bar : ratio <= bar;
  return { measurement, rows, verdict: isMet ? 'met' : 'NOT met' };
}

main().catch(error => {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
});
