/** Jobs that wait, each for somebody: whoever has waited longest for a turn of its own is next, and nobody has two turns at once. */
export interface JobQueue<T> {
  readonly length: number;
  lengthOf(owner: string): number;
  add(owner: string, job: T): void;
  /** The next one of an owner who has no turn now, whose turn it is until `done`. */
  take(): { readonly owner: string; readonly job: T } | undefined;
  done(owner: string): void;
  /** Takes out all that wait. */
  drain(): T[];
}

export function createJobQueue<T>(): JobQueue<T> {
  /** In the order of turns: who had one goes to the end. */
  const waiting = new Map<string, T[]>();
  const busy = new Set<string>();
  let length = 0;
  return {
    get length() {
      return length;
    },
    lengthOf: owner => waiting.get(owner)?.length ?? 0,
    add(owner, job) {
      const jobs = waiting.get(owner);
      if (jobs) jobs.push(job);
      else waiting.set(owner, [job]);
      length++;
    },
    take() {
      for (const [owner, jobs] of waiting) {
        if (busy.has(owner)) continue;
        const job = jobs.shift()!;
        if (jobs.length === 0) waiting.delete(owner);
        busy.add(owner);
        length--;
        return { owner, job };
      }
      return undefined;
    },
    done(owner) {
      busy.delete(owner);
      const jobs = waiting.get(owner);
      if (!jobs) return;
      waiting.delete(owner);
      waiting.set(owner, jobs);
    },
    drain() {
      const all = [...waiting.values()].flat();
      waiting.clear();
      length = 0;
      return all;
    },
  };
}
