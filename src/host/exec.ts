import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';

/** One run of a program: no shell, arguments go as they are. */
export interface Command {
  program: string;
  args?: readonly string[] | undefined;
  /** Written to standard input, which is closed after it; absent: empty input. */
  input?: string | undefined;
  /** The program is killed after this; 30 s unless told. */
  timeoutMs?: number | undefined;
  /** Aborting kills the program; the run rejects with CommandError `aborted`. */
  signal?: AbortSignal | undefined;
}

export interface CommandOutput {
  stdout: string;
  stderr: string;
}

/** Runs programs. Rejects with CommandError for everything but exit code 0. */
export interface Exec {
  run(command: Command): Promise<CommandOutput>;
}

export type CommandErrorCode = 'failed' | 'missing' | 'timeout' | 'aborted';

/** A program that did not end well. The message names the command, how it ended and what it wrote to standard error. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: CommandErrorCode;
  /** Undefined when the program did not exit by itself. */
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(
    message: string,
    ended: { code: CommandErrorCode; exitCode: number | undefined; stderr: string; cause?: unknown },
  ) {
    super(message, { cause: ended.cause });
    this.code = ended.code;
    this.exitCode = ended.exitCode;
    this.stderr = ended.stderr;
  }
}

/** True when the program of a command is not installed. */
export function isMissingProgram(error: unknown): boolean {
  return error instanceof CommandError && error.code === 'missing';
}

/** A ruleset or a process list of a large node is a few MB; what is larger is a mistake. */
const maxOutputBytes = 64 * 1024 * 1024;
const defaultTimeoutMs = 30_000;

/** Programs of this machine. `prefix` stands before every command, as `ip netns exec name` does. */
export function createExec(options: { prefix?: readonly string[] } = {}): Exec {
  return {
    run(command) {
      const [program = '', ...args] = [...(options.prefix ?? []), command.program, ...(command.args ?? [])];
      return runProgram(program, args, command);
    },
  };
}

function runProgram(program: string, args: string[], command: Command): Promise<CommandOutput> {
  const { timeoutMs = defaultTimeoutMs, signal } = command;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: maxOutputBytes,
        encoding: 'utf8',
        ...(signal && { signal }),
      },
      (error, stdout, stderr) => {
        if (error) reject(toCommandError({ error, stderr, line: [program, ...args].join(' '), child, timeoutMs }));
        else resolve({ stdout, stderr });
      },
    );
    // A program may end before it has read its input: that is its business, its exit code tells.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(command.input ?? '');
  });
}

interface Ended {
  error: Error & { code?: unknown };
  stderr: string;
  line: string;
  child: ChildProcess;
  timeoutMs: number;
}

function toCommandError({ error, stderr, line, child, timeoutMs }: Ended): CommandError {
  const exitCode = typeof error.code === 'number' ? error.code : undefined;
  const said = stderr.trim();
  const because = (code: CommandErrorCode, how: string) =>
    new CommandError(`${line}: ${how}${said ? `: ${said}` : ''}`, { code, exitCode, stderr, cause: error });
  if (error.code === 'ENOENT') return because('missing', 'program not found');
  if (error.name === 'AbortError') return because('aborted', 'aborted');
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return because('failed', 'wrote too much');
  if (exitCode !== undefined) return because('failed', `exit code ${exitCode}`);
  if (child.killed) return because('timeout', `killed after ${timeoutMs} ms`);
  return because('failed', child.signalCode ? `ended by ${child.signalCode}` : error.message);
}
