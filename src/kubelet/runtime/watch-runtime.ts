import { aborted, type Clock, type Log } from '#base';
import type { KubeletDeps } from '../config.ts';
import type { RuntimeCache } from './runtime-cache.ts';

/** Without events every second, as upstream's PLEG; with them only in case one was missed. */
const [pollMs, slowPollMs] = [1000, 10_000];
/** An event may be told before the runtime's own lists know: looked at at once, and again a moment later. */
const [firstLookMs, secondLookMs] = [10, 250];

/** Looks at the runtime when something happens there and names the pods that changed. `lastLookMs` is when it last answered. */
export interface RuntimeWatch extends AsyncDisposable {
  /** Why the runtime cannot be asked; undefined while it answers. */
  trouble(): string | undefined;
}

export function watchRuntime(options: {
  cache: RuntimeCache;
  events: KubeletDeps['runtimeEvents'];
  clock: Clock;
  log: Log;
  onChange(uid: string): void;
}): RuntimeWatch {
  const { cache, events, clock, log, onChange } = options;
  const stop = new AbortController();
  let trouble: string | undefined = 'not asked yet';
  let [listening, looking, wanted] = [false, false, false];
  const look = async () => {
    if (looking) {
      wanted = true;
      return;
    }
    looking = true;
    try {
      for (const uid of await cache.relist()) onChange(uid);
      trouble = undefined;
    } catch (error) {
      trouble = (error as Error).message;
      log.debug('runtime does not answer', { error });
    } finally {
      looking = false;
    }
    if (wanted && !stop.signal.aborted) {
      wanted = false;
      await look();
    }
  };
  let timers: Disposable[] = [];
  const soon = () => {
    for (const timer of timers) timer[Symbol.dispose]();
    timers = [firstLookMs, secondLookMs].map(ms => clock.timer(ms, () => void look()));
  };
  const poll = async () => {
    while (!stop.signal.aborted) {
      await look();
      await clock.sleep(listening && !trouble ? slowPollMs : pollMs, stop.signal).catch(() => undefined); // stopped
    }
  };
  const listen = async () => {
    while (events && !stop.signal.aborted) {
      try {
        const stream = events(stop.signal);
        listening = true;
        for await (const _ of stream) soon();
      } catch (error) {
        log.debug('no events of the runtime', { error });
      }
      listening = false;
      await clock.sleep(pollMs, stop.signal).catch(() => undefined); // stopped
    }
  };
  const running = Promise.all([poll(), listen(), aborted(stop.signal)]);
  return {
    trouble: () => trouble,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the kubelet stops'));
      for (const timer of timers) timer[Symbol.dispose]();
      await running;
    },
  };
}
