/** `make test`: every check and every test, in the order that finds a mistake soonest. Kernel and e2e tests run one at a time. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, say } from './server.ts';

const bin = join(root, 'node_modules', '.bin');
const files = (...patterns: string[]) => globSync(patterns, { cwd: root }).sort();
const kernel = files('src/**/*.kernel.test.ts');
const unit = files('src/**/*.test.ts', 'tools/**/*.test.ts').filter(file => !kernel.includes(file));
/** The tests use what kubectl has learnt up to this version; Debian 12's own is 1.20, with which only the shop is tried. */
const wantedKubectl = 31;
const minor = kubectlMinor();
const isWithout = (file: string) => minor < wantedKubectl && /^test\/(e2e|node)\//.test(file) && !/up-down/.test(file);
const whole = files('test/**/*.test.ts').filter(file => !isWithout(file));

const steps: readonly [name: string, command: string, args: readonly string[]][] = [
  ['format and lint', join(bin, 'biome'), ['check', '--error-on-warnings', '.']],
  ['types', join(bin, 'tsc'), ['-p', '.']],
  ['unit tests', process.execPath, ['--test', '--test-timeout=120000', ...unit]],
  ['kernel tests', process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=300000', ...kernel]],
  ['whole-system tests', process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=900000', ...whole]],
];

removeLeftovers();
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
const without = files('test/**/*.test.ts').filter(isWithout);
if (without.length) {
  say(`not run, since kubectl is 1.${minor} and they need 1.${wantedKubectl}: ${without.join(', ')}`);
}
if (failed.length) {
  say(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
} else {
  say('all is well');
}

/** Clusters of a run that was interrupted: their pods and mounts are still there, and would take the addresses of the tests' pods. */
function removeLeftovers(): void {
  for (const folder of globSync(join(tmpdir(), 'wherry-e2e-*'))) {
    if (!existsSync(join(folder, 'run')) || isOfAnotherRun(folder)) continue;
    say(`an earlier run left a cluster in ${folder}, removing it`);
    const { status } = spawnSync(join(root, 'wherry'), ['killall', `--data-dir=${folder}`], { stdio: 'inherit' });
    if (status === 0) rmSync(folder, { recursive: true, force: true });
  }
}

/** A server whose parent lives belongs to tests that run now; that of an interrupted run was handed to process 1. */
function isOfAnotherRun(folder: string): boolean {
  const pidFile = join(folder, 'wherry.pid');
  const status = existsSync(pidFile) ? `/proc/${readFileSync(pidFile, 'utf8').trim()}/status` : '';
  return existsSync(status) && !/^PPid:\t1$/m.test(readFileSync(status, 'utf8'));
}

/** 0 when there is no kubectl. */
function kubectlMinor(): number {
  const { stdout } = spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  return Number(/"minor": "(\d+)/.exec(stdout ?? '')?.[1] ?? 0);
}
