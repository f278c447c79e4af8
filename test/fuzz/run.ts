/** `make fuzz`: every target in turn, with other seeds each time, until FUZZ_SECONDS are over. */
import { startSecureApi } from '../api/fixture.ts';
import { decoders } from './decoders.ts';
import { fuzz } from './engine.ts';
import { serverTargets } from './server.ts';

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 600);
const sliceMs = 5000;

await using api = await startSecureApi();
const targets = [...decoders, ...serverTargets(api)];
const endMs = performance.now() + seconds * 1000;
let failed = 0;
for (let seed = Math.floor(Math.random() * 2 ** 31); performance.now() < endMs; seed++) {
  for (const target of targets) {
    const overMs = Math.min(endMs, performance.now() + sliceMs);
    if (performance.now() >= endMs) break;
    const leftSeconds = Math.ceil((endMs - performance.now()) / 1000);
    try {
      const { count, slowestMs } = await fuzz(target, { seed, isOver: () => performance.now() >= overMs });
      console.log(
        `${target.name}: ${count} inputs, the slowest ${Math.round(slowestMs)} ms (seed ${seed}, ${leftSeconds} s left)`,
      );
    } catch (error) {
      failed++;
      console.error((error as Error).stack);
    }
  }
}
console.log(failed ? `${failed} defects` : 'no defect found');
process.exitCode = failed ? 1 : 0;
