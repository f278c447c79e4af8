/** What the writer tells. `value` undefined is a deletion. */
export type Report =
  | { kind: 'start'; revision: number }
  | { kind: 'ack' | 'volatile' | 'change'; revision: number; key: string; value: string | undefined };
