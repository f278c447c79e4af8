/** `make test`: every check and every test, in the order that finds a mistake soonest. Kernel and e2e tests run one at a time. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { root, say } from './server.ts';

const bin = join(root, 'node_modules', '.bin');
const files = (...patterns: string[]) => globSync(patterns, { cwd: root }).sort();
const kernel = files('src/**/*.kernel.test.ts');
const unit = files('src/**/*.test.ts', 'tools/**/*.test.ts').filter(file => !kernel.includes(file));
const whole = files('test/**/*.test.ts');

const steps: readonly [name: string, command: string, args: readonly string[]][] = [
  ['format and lint', join(bin, 'biome'), ['check', '--error-on-warnings', '.']],
  ['types', join(bin, 'tsc'), ['-p', '.']],
  ['unit tests', process.execPath, ['--test', '--test-timeout=120000', ...unit]],
  ['kernel tests', process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=300000', ...kernel]],
  ['whole-system tests', process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=900000', ...whole]],
];

const failed: string[] = [];
for (const [name, command, args] of steps) {
  if (command === process.execPath && !args.some(arg => arg.endsWith('.test.ts'))) continue;
  say(name);
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
  });
  if (status !== 0) failed.push(name);
}
if (failed.length) {
  say(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
} else {
  say('all is well');
}
