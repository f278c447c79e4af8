/** One row of the table. */
export interface Measurement {
  readonly name: string;
  /** What the second number is. */
  readonly against: string;
  readonly unit: string;
  readonly bar: { kind: 'at least' | 'at most'; ratio: number };
  readonly rounds?: number;
  /** Printed below the table: what the number hides, or why it falls short. */
  readonly note?: string;
  /** Why it cannot be measured here; undefined: it can. */
  missing?(): Promise<string | undefined> | string | undefined;
  /** Starts what is needed; each round gives Wherry's number and the other's. */
  open(): Promise<AsyncDisposable & { round(index: number): Promise<Round> }>;
}

export interface Round {
  ours: number;
  theirs: number;
  /** Microseconds of processor time that each server spent on a call: shows what a load generator that is the slower part would hide. */
  cpuUs?: { ours: number; theirs: number };
}

/** A part of the table; its file in this folder exports it as `group`. */
export interface Group {
  /** Heading of its part of the page. */
  readonly title: string;
  readonly measurements: readonly Measurement[];
}

export interface Result {
  measurement: Measurement;
  rows: readonly (Round & { ratio: number })[];
  verdict: string;
}
