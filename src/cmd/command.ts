/** What a command may touch of the outside, so that tests can stand in for it. */
export interface Invocation {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where set-up puts what the program reads besides its code. */
  readonly assetFolder: string;
  stdout(text: string): void;
  stderr(text: string): void;
}

/** One subcommand; its module is loaded only when it is called. */
export interface Command {
  readonly name: string;
  /** `[--data-dir DIR] ...`, for the usage line. */
  readonly usage: string;
  readonly sentence: string;
  /** Resolves with the exit code. Throws UsageError for wrong arguments. */
  load(): Promise<{ run(invocation: Invocation): Promise<number> }>;
}

/** Arguments that make no sense; the message is one line with the remedy. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something that the user can mend: one line on stderr, no stack. Exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
