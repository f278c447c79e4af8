import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError, createExec, isMissingProgram } from './exec.ts';

const exec = createExec();
const node = (script: string, ...args: string[]) => ({ program: process.execPath, args: ['-e', script, ...args] });

async function rejection(run: Promise<unknown>): Promise<CommandError> {
  const error = await run.then(
    () => assert.fail('it did not reject'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof CommandError);
  return error;
}

test('a program gets its input and its arguments as they are, and both outputs come back', async () => {
  const script = "process.stdin.on('data', text => console.log(String(text) + process.argv[1])); console.error('said')";
  assert.deepEqual(await exec.run({ ...node(script, '$HOME; "x"'), input: 'in ' }), {
    ...{ stdout: 'in $HOME; "x"\n', stderr: 'said\n' },
  });
});

test('without input a program reads the end at once', async () => {
  const script = "process.stdin.resume().on('end', () => console.log('end'))";
  assert.equal((await exec.run(node(script))).stdout, 'end\n');
});

test('an exit code is a failure with what was said', async () => {
  const error = await rejection(exec.run(node("console.error('no room'); process.exit(3)")));
  assert.deepEqual([error.code, error.exitCode, error.stderr], ['failed', 3, 'no room\n']);
  assert.match(error.message, /: exit code 3: no room$/);
});

test('a program that is not there is missing', async () => {
  const error = await rejection(exec.run({ program: 'wherry-no-such-program', args: ['x'] }));
  assert.equal(isMissingProgram(error), true);
  assert.equal(error.message, 'wherry-no-such-program x: program not found');
  assert.equal(isMissingProgram(new Error('other')), false);
});

test('a program that takes too long is killed', async () => {
  const error = await rejection(exec.run({ ...node('setInterval(() => {}, 1000)'), timeoutMs: 50 }));
  assert.deepEqual([error.code, error.exitCode], ['timeout', undefined]);
  assert.match(error.message, /killed after 50 ms$/);
});

test('aborting ends the program and says so', async () => {
  const stop = new AbortController();
  const run = rejection(exec.run({ ...node('setInterval(() => {}, 1000)'), signal: stop.signal }));
  stop.abort();
  assert.equal((await run).code, 'aborted');
});

test('a program ended by a signal of its own is told apart from a timeout', async () => {
  const error = await rejection(exec.run(node("process.kill(process.pid, 'SIGTERM')")));
  assert.equal(error.code, 'failed');
  assert.match(error.message, /ended by SIGTERM$/);
});

test('a program that ends before it has read its input decides by its exit code', async () => {
  const input = 'x'.repeat(4_000_000);
  assert.equal((await exec.run({ ...node("console.log('enough'); process.exit(0)"), input })).stdout, 'enough\n');
});

test('a prefix stands before every command', async () => {
  const prefixed = createExec({ prefix: [process.execPath, '-e', 'console.log(process.argv.slice(1).join())'] });
  assert.equal((await prefixed.run({ program: 'ip', args: ['link'] })).stdout, 'ip,link\n');
});
