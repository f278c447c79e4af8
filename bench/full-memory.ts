/** What a full store takes in memory. */
import { readFileSync } from 'node:fs';
import { fill, fullObjects, openFolders } from './full-start.ts';
import type { Measurement } from './measurement.ts';
import { launchWherry } from './subjects.ts';

/** After this long what was only needed for the start has been collected. */
const settleMs = 8000;

export const memoryFull: Measurement = {
  name: `${fullObjects.toLocaleString('en')} objects of 1 KB stored: resident memory over that of the empty server`,
  against: 'their bytes',
  unit: 'MB',
  bar: { kind: 'at most', ratio: 2.5 },
  rounds: 3,
  note: 'VmRSS of the whole process (API server, controllers, scheduler), eight seconds after it was ready, started with the full store and with an empty one.',
  async open() {
    const folders = await openFolders();
    const bytes = await fill(folders.full);
    return {
      async round() {
        const [full, empty] = [await residentBytes(folders.full), await residentBytes(folders.empty)];
        return { ours: (full - empty) / 1e6, theirs: bytes / 1e6 };
      },
      [Symbol.asyncDispose]: async () => folders[Symbol.dispose](),
    };
  },
};

async function residentBytes(folder: string): Promise<number> {
  await using server = await launchWherry(folder, ['--disable-agent']);
  await new Promise(resolve => setTimeout(resolve, settleMs));
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}
