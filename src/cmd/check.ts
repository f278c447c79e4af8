import type { Invocation } from './command.ts';
import { readOptions } from './options.ts';

const marks = { ok: 'ok     ', warning: 'warning', missing: 'MISSING' } as const;

/** `wherry check`: exit code 1 when pods cannot run here. */
export async function run(invocation: Invocation): Promise<number> {
  const { config } = await readOptions(invocation);
  const { checkMachine } = await import('#cluster');
  const findings = await checkMachine(config);
  const width = Math.max(...findings.map(({ name }) => name.length));
  for (const { name, state, found, remedy } of findings) {
    invocation.stdout(`${marks[state]}  ${name.padEnd(width)}  ${found}\n`);
    if (remedy && state !== 'ok') invocation.stdout(`${' '.repeat(9 + width)}  -> ${remedy}\n`);
  }
  return findings.some(({ state }) => state === 'missing') ? 1 : 0;
}
