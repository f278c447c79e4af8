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
  /** It began or ceased to answer. */
  onTrouble(): void;
}): RuntimeWatch {
  const { cache, events, clock, log, onChange } = options;
  const stop = new AbortController();
  let trouble: string | undefined = 'not asked yet';
  let [listening, looking, wanted] = [false, false, false];
  const setTrouble = (text: string | undefined) => {
    const isOther = (text === undefined) !== (trouble === undefined);
    trouble = text;
    if (isOther) options.onTrouble();
  };
  const look = async () => {
    if (looking) {
      wanted = true;
      return;
    }
    looking = true;
    try {
      for (const uid of await cache.relist()) onChange(uid);
      setTrouble(undefined);
    } catch (error) {
      setTrouble((error as Error).message);
      log.debug('runtime does not answer', { error });
    } finally {
      looking = false;
    }
    if (wanted && !stop.signal.aborted) {
      wanted = false;
      await look();
    }
  };
  // One look of each kind is enough for all events before it; moving it with every event would put it off for ever.
  const timers = new Map<number, Disposable>();
  const lookAfter = (ms: number) => {
    const run = () => {
      timers.delete(ms);
      if (!stop.signal.aborted) void look();
    };
    if (!timers.has(ms)) timers.set(ms, clock.timer(ms, run));
  };
  const soon = () => {
    lookAfter(firstLookMs);
    timers.get(secondLookMs)?.[Symbol.dispose]();
    timers.delete(secondLookMs);
    lookAfter(secondLookMs);
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
        // What happened while nobody listened.
        soon();
        for await (const _ of stream) soon();
      } catch (error) {
        log.debug('no events of the runtime', { error });
      }
      listening = false;
      if (!stop.signal.aborted) soon();
      await clock.sleep(pollMs, stop.signal).catch(() => undefined); // stopped
    }
  };
  const running = Promise.all([poll(), listen(), aborted(stop.signal)]);
  return {
    trouble: () => trouble,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the kubelet stops'));
      for (const timer of timers.values()) timer[Symbol.dispose]();
      await running;
    },
  };
}
