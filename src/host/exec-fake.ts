import type { Command, CommandOutput, Exec } from './exec.ts';
import { CommandError } from './exec.ts';

export interface FakeExec extends Exec {
  /** Every command that was run, oldest first. */
  readonly commands: Command[];
  /** Every command as one line. */
  lines(): string[];
}

/** Runs nothing: `answer` says what a command prints, or throws; without an answer a command succeeds silently. */
export function createFakeExec(answer?: (line: string, command: Command) => string | undefined): FakeExec {
  const commands: Command[] = [];
  const lineOf = (command: Command) => [command.program, ...(command.args ?? [])].join(' ');
  return {
    commands,
    lines: () => commands.map(lineOf),
    async run(command): Promise<CommandOutput> {
      commands.push(command);
      return { stdout: answer?.(lineOf(command), command) ?? '', stderr: '' };
    },
  };
}

/** What a real exec rejects with when a program exits with a code. */
export function fakeCommandError(line: string, exitCode: number, stderr: string): CommandError {
  return new CommandError(`${line}: exit code ${exitCode}: ${stderr}`, { code: 'failed', exitCode, stderr });
}
