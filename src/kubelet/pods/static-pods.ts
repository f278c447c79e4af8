import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '#api';
import type { Clock, Log } from '#base';
import { createManifestReader } from './static-manifest.ts';

/** Pods that a folder of this node asks for, whatever the API server says. */
export interface StaticPods extends AsyncDisposable {
  list(): Pod[];
  /** The folder has been read once. */
  synced(): boolean;
}

/** Upstream's fileCheckFrequency: a change that the watch missed is seen then. */
const rereadMs = 20_000;
const settleMs = 100;

interface ManifestFile {
  text: string;
  pods: readonly Pod[];
}

/** A file that cannot be understood is said once; the pods that it held before go on, since it may be half-written. */
export async function watchStaticPods(options: {
  folder: string;
  nodeName: string;
  clock: Clock;
  log: Log;
  /** Pods that came, changed or went. */
  onChange(uids: readonly string[]): void;
}): Promise<StaticPods> {
  const { folder, clock, log } = options;
  await mkdir(folder, { recursive: true });
  const reader = createManifestReader(options.nodeName);
  let [pods, files, stopped] = [new Map<string, Pod>(), new Map<string, ManifestFile>(), false];
  let [timer, busy]: [Disposable | undefined, Promise<void>] = [undefined, Promise.resolve()];
  const readOne = async (path: string): Promise<ManifestFile> => {
    const text = await readFile(path, 'utf8').catch(() => ''); // gone again, or a folder
    const known = files.get(path);
    if (known?.text === text) return known;
    try {
      return { text, pods: reader.read(text, { path, nowMs: clock.now() }) };
    } catch (error) {
      log.warn('static pod not understood', { path, error: (error as Error).message, kept: known?.pods.length ?? 0 });
      return { text, pods: known?.pods ?? [] };
    }
  };
  const scan = async () => {
    const seen = new Map<string, ManifestFile>();
    const names = (await readdir(folder)).filter(one => !one.startsWith('.')).sort();
    for (const path of names.map(name => join(folder, name))) seen.set(path, await readOne(path));
    files = seen;
    const found = new Map([...seen.values()].flatMap(file => file.pods.map(pod => [pod.metadata.uid!, pod] as const)));
    const changed = [...new Set([...pods.keys(), ...found.keys()])].filter(uid => !pods.has(uid) || !found.has(uid));
    pods = found;
    if (changed.length > 0) options.onChange(changed);
  };
  const later = (delayMs: number): void => {
    if (stopped) return;
    timer?.[Symbol.dispose]();
    timer = clock.timer(
      delayMs,
      () => {
        timer = undefined;
        busy = busy
          .then(scan)
          .catch((error: unknown) => log.warn('static pods not read', { folder, error }))
          // A change that was told meanwhile is read soon already.
          .then(() => {
            if (!timer) later(rereadMs);
          });
      },
      { unref: true },
    );
  };
  await scan();
  const watcher: FSWatcher = watch(folder, () => later(settleMs));
  later(rereadMs);
  return {
    list: () => [...pods.values()],
    synced: () => true,
    async [Symbol.asyncDispose]() {
      stopped = true;
      watcher.close();
      timer?.[Symbol.dispose]();
      await busy;
    },
  };
}
