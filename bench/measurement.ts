/** One row of the table. */
export interface Measurement {
  readonly name: string;
  /** What the second number is. */
  readonly against: string;
  readonly unit: string;
  readonly bar: { kind: 'at least' | 'at most'; ratio: number };
  readonly rounds?: number;
  /** Why it cannot be measured here; undefined: it can. */
  missing?(): Promise<string | undefined> | string | undefined;
  /** Starts what is needed; each round gives Wherry's number and the other's. */
  open(): Promise<AsyncDisposable & { round(): Promise<{ ours: number; theirs: number }> }>;
}

export interface Result {
  measurement: Measurement;
  rows: readonly { ours: number; theirs: number; ratio: number }[];
  verdict: string;
}
