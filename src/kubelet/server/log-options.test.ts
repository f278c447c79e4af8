import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLogOptions } from './log-options.ts';

const parse = (query: string) => parseLogOptions(new URLSearchParams(query), 100_000);

test('options are read as clients of other languages write them', () => {
  const { follow, timestamps, previous, tailLines, sinceMs } = parse(
    'follow=True&timestamps=1&previous=False&tailLines=3&sinceSeconds=40',
  );
  assert.deepEqual([follow, timestamps, previous, tailLines, sinceMs], [true, true, false, 3, 60_000]);
});

test('what makes no sense is refused', () => {
  assert.throws(() => parse('tailLines=-1'), /tailLines must be a whole number of at least 0, not "-1"/);
  assert.throws(() => parse('sinceTime=yesterday'), /sinceTime: "yesterday" is not a time/);
});
