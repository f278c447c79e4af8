import { readFileSync } from 'node:fs';
import type { Clock, Log } from '#base';
import { StartError } from './start-error.ts';

/** A file whose content counts as it is now. */
export interface FollowedFile<T> extends Disposable {
  value(): T;
}

/** How often it is looked at. */
const lookMs = 10_000;

/** Reads a file and looks at it again from time to time. Throws what `read` throws, or StartError when it cannot be read; later mistakes are logged, and what was read before stays. */
export function followFile<T>(
  path: string,
  { clock, log }: { clock: Clock; log: Log },
  read: (text: string) => T,
): FollowedFile<T> {
  let text = readText(path);
  let value = read(text);
  let timer: Disposable;
  const look = () => {
    timer = clock.timer(lookMs, look, { unref: true });
    try {
      const next = readText(path);
      if (next === text) return;
      text = next;
      value = read(next);
      log.info('a changed configuration file is used', { file: path });
    } catch (error) {
      log.error('a changed configuration file is not used', { file: path, error });
    }
  };
  timer = clock.timer(lookMs, look, { unref: true });
  return { value: () => value, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StartError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}
