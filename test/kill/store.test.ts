import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { openSqliteStore } from '#store';
import { recordWatch } from '#store/testing';
import type { Report } from './report.ts';

const kills = 200;
/** A kill comes after a random number of reports up to this, so that it hits opening, writing and syncing alike. */
const mostReports = 400;

type Told = Extract<Report, { key: string }>;

/** What all rounds together have told. */
interface Memory {
  readonly acknowledged: Told[];
  /** Resumed watches, put end to end. */
  readonly seen: Told[];
  /** The highest revision told in any way. */
  highest: number;
}

test(`${kills} kills under load lose no acknowledged write, and watches resume without gap or repeat`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-kill-'));
  const path = join(folder, 'a.db');
  const memory: Memory = { acknowledged: [], seen: [], highest: 1 };
  try {
    for (let round = 0; round < kills; round++) await runAndKill({ path, round, memory });
    assert.ok(memory.acknowledged.length > kills * 10, `only ${memory.acknowledged.length} writes: no load`);
    await checkEverything(path, memory);
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function runAndKill({ path, round, memory }: { path: string; round: number; memory: Memory }): Promise<void> {
  const after = memory.seen.at(-1)?.revision ?? 1;
  const script = join(import.meta.dirname, 'writer.ts');
  const child = spawn(process.execPath, [script, path, `${round}`, `${after}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(dirname(path), 'compile-cache') },
  });
  const killAt = 1 + Math.floor(((round * 7919) % 997) * (mostReports / 997));
  let reports = 0;
  createInterface({ input: child.stdout }).on('line', line => {
    const report = parseReport(line);
    if (report) remember(memory, report);
    if (++reports === killAt) child.kill('SIGKILL');
  });
  const [code, signal] = await once(child, 'close');
  assert.equal(signal, 'SIGKILL', `round ${round}: the writer ended by itself with ${code} after ${reports} reports`);
}

/** The last line may be cut in the middle: then nobody was told. */
function parseReport(line: string): Report | undefined {
  try {
    return JSON.parse(line) as Report;
  } catch {
    return undefined;
  }
}

function remember(memory: Memory, report: Report): void {
  if (report.kind === 'start') {
    assert.ok(report.revision >= memory.highest, `revision went back from ${memory.highest} to ${report.revision}`);
  }
  memory.highest = Math.max(memory.highest, report.revision);
  if (report.kind === 'ack') memory.acknowledged.push(report);
  if (report.kind === 'change') memory.seen.push(report);
}

/** The log as the store itself now tells it is the truth that everything told before must fit. */
async function checkEverything(path: string, memory: Memory): Promise<void> {
  await using store = await openSqliteStore({ path, clock: createSystemClock(), log: createRecordingLog() });
  assert.ok(store.revision() >= memory.highest);
  using watch = recordWatch(store, { prefix: '/d/', after: 1 });
  await watch.reached(store.revision());
  const log = new Map<number, { key: string; value: string | undefined }>();
  for (const { revision, key, value } of watch.changes)
    log.set(revision, { key, value: value && Buffer.from(value).toString() });
  for (const { revision, key, value } of memory.acknowledged) {
    assert.deepEqual(log.get(revision), { key, value }, `acknowledged write ${revision} is lost`);
  }
  const wanted = [...log.keys()].slice(0, memory.seen.length);
  assert.deepEqual(
    memory.seen.map(change => change.revision),
    wanted,
    'the watches, end to end, are the log',
  );
  const current = new Map([...log].map(([revision, { key, value }]) => [key, value === undefined ? 0 : revision]));
  const listed = (await store.list({ prefix: '/d/' })).entries.map(entry => [entry.key, entry.revision] as const);
  assert.deepEqual(new Map(listed), new Map([...current].filter(([, revision]) => revision > 0)));
}
