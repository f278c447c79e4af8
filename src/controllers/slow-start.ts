/**
 * Runs `run` for 0 to `count` - 1 in batches of 1, 2, 4, ...: when creating fails for a reason that all share (quota), few requests are wasted. Stops
 * after a batch with a failure. Resolves with the number that succeeded and the first failure. After upstream's slowStartBatch.
 */
export async function slowStart(
  count: number,
  run: (index: number) => Promise<unknown>,
): Promise<{ succeeded: number; error: unknown }> {
  let succeeded = 0;
  for (let size = 1, done = 0; done < count; done += size, size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - done) }, (_, index) => run(done + index));
    const outcomes = await Promise.allSettled(batch);
    succeeded += outcomes.filter(outcome => outcome.status === 'fulfilled').length;
    const failed = outcomes.find(outcome => outcome.status === 'rejected');
    if (failed) return { succeeded, error: failed.reason };
  }
  return { succeeded, error: undefined };
}
