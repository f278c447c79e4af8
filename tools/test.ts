/** `make test`: every check and every test, in the order that finds a mistake soonest. Kernel and e2e tests run one at a time. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root, say } from './server.ts';

const bin = join(root, 'node_modules', '.bin');
const files = (...patterns: string[]) => globSync(patterns, { cwd: root }).sort();
const kernel = files('src/**/*.kernel.test.ts');
/** They start etcd, kill and pause it: as little alone with themselves as those of whole systems. */
const etcd = files('src/store/etcd/*.test.ts');
const unit = files('src/**/*.test.ts', 'tools/**/*.test.ts').filter(file => ![...kernel, ...etcd].includes(file));
/** The tests use what kubectl has learnt up to this version; Debian 12's own is 1.20, with which only the shop is tried. */
const wantedKubectl = 31;
const minor = kubectlMinor();
const isWithout = (file: string) => minor < wantedKubectl && /^test\/(e2e|node)\//.test(file) && !/up-down/.test(file);
const whole = [...etcd, ...files('test/**/*.test.ts').filter(file => !isWithout(file))];

const steps: readonly [name: string, command: string, args: readonly string[]][] = [
  ['format and lint', join(bin, 'biome'), ['check', '--error-on-warnings', '.']],
  ['types', join(bin, 'tsc'), ['-p', '.']],
  ['unit tests', process.execPath, ['--test', '--test-timeout=120000', ...unit]],
  ['kernel tests', process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=300000', ...kernel]],
];
/** More files of whole-system tests than this are not run a second time: then it is no chance. */
const maxSecondRuns = 3;

removeLeftovers();
const failed: string[] = [];
for (const [name, command, args] of steps) {
  if (command === process.execPath && !args.some(arg => arg.endsWith('.test.ts'))) continue;
  say(name);
  if (run(command, args) !== 0) failed.push(name);
}
const secondRuns = runWhole();
const without = files('test/**/*.test.ts').filter(isWithout);
if (without.length) {
  say(`not run, since kubectl is 1.${minor} and they need 1.${wantedKubectl}: ${without.join(', ')}`);
}
if (secondRuns.length) say(`passed only the second time, which is a defect to look for: ${secondRuns.join(', ')}`);
if (failed.length) {
  say(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
} else {
  say('all is well');
}

function run(command: string, args: readonly string[]): number | null {
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', env }).status;
}

/** Tests of real time, processes and kernels: a file that fails is run once more (docs/decisions/0030). Gives the files that passed only then. */
function runWhole(): string[] {
  say('whole-system tests');
  const again = failedFiles(whole);
  if (again.length === 0) return [];
  if (again.length <= maxSecondRuns) say(`whole-system tests, once more: ${again.join(', ')}`);
  const still = again.length <= maxSecondRuns ? failedFiles(again) : again;
  if (still.length) failed.push(`whole-system tests (${still.join(', ')})`);
  return again.filter(file => !still.includes(file));
}

function failedFiles(tests: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-test-'));
  try {
    const passed = join(folder, 'passed');
    const report = ['spec', 'stdout', `./${relative(root, join(import.meta.dirname, 'passed-files.ts'))}`, passed];
    const reporters = report.map((value, at) => `--test-reporter${at % 2 ? '-destination' : ''}=${value}`);
    const status = run(process.execPath, [
      ...['--test', '--test-concurrency=1', '--test-timeout=900000', ...reporters],
      ...tests,
    ]);
    const names = new Set(readFileSync(passed, 'utf8').trim().split('\n'));
    const without = tests.filter(file => !names.has(join(root, file)));
    if (status !== 0 && without.length === 0) throw new Error('the test runner failed, but no file of tests did');
    return without;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
