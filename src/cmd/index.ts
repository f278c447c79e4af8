export type { Invocation } from './command.ts';
export { runCommand } from './run.ts';
