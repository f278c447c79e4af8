import { execFile } from 'node:child_process';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock, Log } from '#base';

const run = promisify(execFile);

/** Reads OCI and Docker archives into the runtime's store. */
export type ImportArchive = (path: string) => Promise<void>;

/** By ctr(8), in the namespace of Kubernetes. Rejects with what ctr said. */
export function createCtrImport({ ctr, socketPath }: { ctr: string; socketPath: string }): ImportArchive {
  return async path => {
    const args = ['--address', socketPath, '--namespace', 'k8s.io', 'images', 'import', '--no-unpack=false', path];
    try {
      await run(ctr, args, { timeout: 300_000, maxBuffer: 4 * 1024 * 1024 });
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      throw new Error(`cannot import ${path}: ${stderr?.trim() || message}`, { cause: error });
    }
  };
}

const archive = /\.tar(\.gz|\.zst)?$|\.tgz$/;
/** A file is taken when it has not changed for this long: it may still be written. */
const settleMs = 1000;

/**
 * Imports every archive of a folder, now and whenever one appears or changes. What fails is logged and tried again when the file changes. What has been
 * imported is noted at `notesPath`, which belongs beside the runtime's store: whoever removes that has them imported again.
 */
export async function watchImageFolder(options: {
  folder: string;
  notesPath: string;
  importArchive: ImportArchive;
  clock: Clock;
  log: Log;
}): Promise<AsyncDisposable> {
  const { folder, notesPath, importArchive, clock, log } = options;
  const done = await readNotes(notesPath);
  await mkdir(folder, { recursive: true });
  const failed = new Set<string>();
  let [busy, timer, stopped]: [Promise<void>, Disposable | undefined, boolean] = [Promise.resolve(), undefined, false];
  const scan = async (settled: boolean) => {
    for (const name of (await readdir(folder)).filter(one => archive.test(one)).sort()) {
      if (stopped) return;
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      const stamp = `${size} ${mtimeMs}`;
      if (done.get(name) === stamp) continue;
      if (settled && clock.now() - mtimeMs < settleMs) {
        later();
        continue;
      }
      done.set(name, stamp);
      try {
        await importArchive(path);
        log.info('image archive imported', { file: name });
        failed.delete(name);
        await writeFile(notesPath, JSON.stringify([...done].filter(([one]) => !failed.has(one))));
      } catch (error) {
        failed.add(name);
        log.warn('image archive not imported', { file: name, error });
      }
    }
  };
  const later = () => {
    timer?.[Symbol.dispose]();
    timer = clock.timer(settleMs, () => {
      busy = busy.then(() => scan(true)).catch((error: unknown) => log.warn('image folder not read', { error }));
    });
  };
  await scan(false);
  const watcher: FSWatcher = watch(folder, later);
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      watcher.close();
      timer?.[Symbol.dispose]();
      await busy;
    },
  };
}

async function readNotes(path: string): Promise<Map<string, string>> {
  try {
    return new Map(JSON.parse(await readFile(path, 'utf8')) as [string, string][]);
  } catch {
    return new Map(); // none yet, or cut off while being written: importing once more does no harm
  }
}
