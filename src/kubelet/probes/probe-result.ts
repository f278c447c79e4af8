/** What one attempt said. `unknown` counts for nothing: the attempt itself went wrong. */
export type ProbeResult =
  | { result: 'success'; output: string }
  | { result: 'failure'; output: string }
  | { result: 'unknown'; output: string };
