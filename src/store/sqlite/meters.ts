import type { Meter } from '#base';
import type { Disk } from './disk.ts';

const commitSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** What the store counts; does nothing without a meter. */
export function createStoreMeters(meter: Meter | undefined) {
  const writes = meter?.counter({
    name: 'store_writes_total',
    help: 'Writes by result: ok, conflict.',
    labels: ['result'],
  });
  const failures = meter?.counter({ name: 'store_failed_commits_total', help: 'Transactions that the disk refused.' });
  const bytes = meter?.counter({
    name: 'store_written_bytes_total',
    help: 'Bytes written to disk, checkpoints included.',
  });
  const seconds = meter?.histogram({
    name: 'store_commit_duration_seconds',
    help: 'From the start of a transaction to its being durable.',
    buckets: commitSeconds,
  });
  let countedBytes = 0;
  return {
    committed(commit: { outcomes: readonly { error?: unknown }[]; durationMs: number; disk: Disk }): void {
      if (!meter) return;
      const conflicts = commit.outcomes.filter(outcome => outcome.error !== undefined).length;
      if (conflicts > 0) writes?.add({ result: 'conflict' }, conflicts);
      if (commit.outcomes.length > conflicts) writes?.add({ result: 'ok' }, commit.outcomes.length - conflicts);
      seconds?.observe(commit.durationMs / 1000);
      bytes?.add({}, commit.disk.bytesWritten - countedBytes);
      countedBytes = commit.disk.bytesWritten;
    },
    failed: () => failures?.add(),
  };
}
