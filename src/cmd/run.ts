import { CommandError, type Invocation, UsageError } from './command.ts';
import { commands } from './commands.ts';

/** Runs `wherry <command> ...` and gives the exit code: 0 done, 1 failed, 2 called wrongly. */
export async function runCommand(invocation: Invocation): Promise<number> {
  const [name, ...args] = invocation.args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    invocation.stdout(helpText());
    return name === undefined ? 2 : 0;
  }
  const command = commands.find(candidate => candidate.name === name.replace(/^--?/, '')) ?? undefined;
  if (!command) {
    invocation.stderr(
      `wherry: no command ${JSON.stringify(name)}; there are ${commands.map(c => c.name).join(', ')}\n`,
    );
    return 2;
  }
  try {
    const { run } = await command.load();
    return await run({ ...invocation, args });
  } catch (error) {
    return report(error, command.name, command.usage, invocation);
  }
}

function report(error: unknown, name: string, usage: string, invocation: Invocation): number {
  if (error instanceof UsageError || isNamed(error, 'ConfigError') || isNamed(error, 'ImageSpecError')) {
    invocation.stderr(`wherry ${name}: ${error.message}\nusage: wherry ${name} ${usage}\n`);
    return 2;
  }
  if (error instanceof CommandError || isNamed(error, 'StartError')) {
    invocation.stderr(`wherry ${name}: ${error.message}\n`);
    return 1;
  }
  throw error;
}

/** Errors of rooms that are loaded only when needed are told by name: loading the room for `instanceof` would cost every command its start. */
function isNamed(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name;
}

function helpText(): string {
  const width = Math.max(...commands.map(command => command.name.length));
  const lines = commands.map(command => `  ${command.name.padEnd(width)}  ${command.sentence}`);
  return [
    'wherry: a light Kubernetes, one program that is a whole cluster',
    '',
    ...lines,
    '',
    'wherry <command> --help shows its options.',
    '',
  ].join('\n');
}
