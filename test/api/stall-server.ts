/** A server in a thread of its own, beside a timer that fires every millisecond: what comes between two of its ticks is what everybody else waits for. */
import { parentPort } from 'node:worker_threads';
import { startSecureApi } from './fixture.ts';

/** What the longest turn since the last question took: CPU time of the thread, and by the clock (others share the machine). */
export interface Stall {
  readonly cpuMs: number;
  readonly wallMs: number;
}

export interface Address {
  readonly port: number;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const none: Stall = { cpuMs: 0, wallMs: 0 };

/** Only the thread's own time counts: neither other threads' nor other programs'. */
function cpuTimeMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function startWatch(): { take(): Stall } {
  let longest = none;
  let last = { cpuMs: cpuTimeMs(), wallMs: performance.now() };
  setInterval(() => {
    const now = { cpuMs: cpuTimeMs(), wallMs: performance.now() };
    const turn = { cpuMs: now.cpuMs - last.cpuMs, wallMs: now.wallMs - last.wallMs };
    if (turn.cpuMs > longest.cpuMs) longest = turn;
    last = now;
  }, 1);
  return {
    take() {
      const taken = longest;
      longest = none;
      return taken;
    },
  };
}

const port = parentPort!;
const api = await startSecureApi();
const watch = startWatch();
port.on('message', async (question: 'take' | 'stop') => {
  if (question === 'take') {
    // The turn that has just ended is counted by the next tick.
    setTimeout(() => port.postMessage(watch.take()), 5);
    return;
  }
  await api[Symbol.asyncDispose]();
  process.exit();
});
const { certificate, key } = api.admin.pair!;
const address: Address = { port: api.port, ca: api.ca, certificate, key };
port.postMessage(address);
