import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '#base';

/** How often a file is looked at, at most: a change is seen after this time. */
const lookEveryMs = 1000;

/** What a file holds, read again when it has changed. Nothing is held open, and nothing runs while nobody asks. */
export function createWatchedFile<T>(options: {
  path: string;
  clock: Clock;
  parse(text: string): T;
  /** What holds while the file cannot be read. */
  missing: T;
}): () => Promise<T> {
  const { path, clock, parse, missing } = options;
  let mark: string | undefined;
  let value: Promise<T> = Promise.resolve<T>(missing) as Promise<T>;
  let lookedAtMs = -lookEveryMs;
  const look = async (before: Promise<T>): Promise<T> => {
    try {
      const { mtimeNs, size, ino } = await stat(path, { bigint: true });
      const next = `${mtimeNs}/${size}/${ino}`;
      if (next === mark) return await before;
      const text = await readFile(path, 'utf8');
      mark = next;
      return parse(text);
    } catch {
      // A file that is not there, or not readable, says nothing; it is looked for again.
      mark = undefined;
      return missing;
    }
  };
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedAtMs >= lookEveryMs) {
      lookedAtMs = nowMs;
      value = look(value);
    }
    return value;
  };
}
