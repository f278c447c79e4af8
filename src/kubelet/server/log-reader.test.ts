import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseLogLine } from './log-line.ts';
import { type LogOptions, parseLogOptions } from './log-options.ts';
import { readLog } from './log-reader.ts';

const all: LogOptions = {
  follow: false,
  previous: false,
  timestamps: false,
  sinceMs: undefined,
  tailLines: undefined,
  limitBytes: undefined,
  stream: undefined,
};

const line = (second: number, text: string, stream = 'stdout', tag = 'F') =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000001Z ${stream} ${tag} ${text}\n`;

function logFile(content: string) {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-log-'));
  const path = join(folder, '0.log');
  writeFileSync(path, content);
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

function collect() {
  const chunks: Uint8Array[] = [];
  const changed = new EventTarget();
  const sink = {
    write(chunk: Uint8Array) {
      chunks.push(chunk);
      changed.dispatchEvent(new Event('change'));
      return true;
    },
    drained: () => Promise.resolve(),
    bufferedBytes: 0,
  };
  const text = () => Buffer.concat(chunks).toString();
  const until = (expected: string) =>
    new Promise<void>(resolve => {
      const check = () => text() === expected && resolve();
      changed.addEventListener('change', check);
      check();
    });
  return { sink, text, until };
}

async function read(content: string, options: Partial<LogOptions>): Promise<string> {
  using file = logFile(content);
  const { sink, text } = collect();
  const signal = new AbortController().signal;
  await readLog({ path: file.path, options: { ...all, ...options }, sink, signal, isRunning: async () => false });
  return text();
}

const content =
  line(1, 'one') + line(2, 'two', 'stderr') + line(3, 'thr', 'stdout', 'P') + line(3, 'ee') + line(4, 'four');

for (const [options, expected] of [
  [{}, 'one\ntwo\nthree\nfour\n'],
  [{ tailLines: 0 }, ''],
  [{ tailLines: 1 }, 'four\n'],
  [{ tailLines: 2 }, 'three\nfour\n'],
  [{ tailLines: 3 }, 'two\nthree\nfour\n'],
  [{ tailLines: 99 }, 'one\ntwo\nthree\nfour\n'],
  [{ stream: 'stderr' }, 'two\n'],
  [{ sinceMs: Date.UTC(2026, 0, 1, 0, 0, 3) }, 'three\nfour\n'],
  [{ limitBytes: 6 }, 'one\ntw'],
  [{ tailLines: 1, timestamps: true }, '2026-01-01T00:00:04.000000001Z four\n'],
] as const) {
  test(`a log read with ${JSON.stringify(options)}`, async () => assert.equal(await read(content, options), expected));
}

test('a line split over pieces carries one timestamp', async () => {
  const text = await read(line(3, 'thr', 'stdout', 'P') + line(3, 'ee'), { timestamps: true });
  assert.equal(text, '2026-01-01T00:00:03.000000001Z three\n');
});

test('the last lines of a file larger than a block are found', async () => {
  const many = Array.from({ length: 20_000 }, (_, index) => line(1, `line ${index}`)).join('');
  assert.equal(await read(many, { tailLines: 2 }), 'line 19998\nline 19999\n');
  assert.equal((await read(many, { tailLines: 15_000 })).split('\n').length, 15_001);
});

test('following sees what is appended, goes over a rotation, and ends with the container', async () => {
  using file = logFile(line(1, 'one'));
  const { sink, until, text } = collect();
  let running = true;
  const reading = readLog({
    path: file.path,
    options: { ...all, follow: true },
    sink,
    signal: new AbortController().signal,
    isRunning: async () => running,
  });
  await until('one\n');
  appendFileSync(file.path, line(2, 'two'));
  await until('one\ntwo\n');
  renameSync(file.path, `${file.path}.old`);
  writeFileSync(file.path, line(3, 'three'));
  await until('one\ntwo\nthree\n');
  running = false;
  await reading;
  assert.equal(text(), 'one\ntwo\nthree\n');
});

test('a reader that leaves ends the following', async () => {
  using file = logFile(line(1, 'one'));
  const { sink, until } = collect();
  const leave = new AbortController();
  const reading = readLog({
    path: file.path,
    options: { ...all, follow: true },
    sink,
    signal: leave.signal,
    isRunning: async () => true,
  });
  await until('one\n');
  leave.abort();
  await reading;
});

for (const bad of [
  '',
  'x',
  '2026-01-01T00:00:00Z stdout',
  '2026-01-01T00:00:00Z stdin F x',
  '2026-01-01T00:00:00Z stdout Q x',
]) {
  test(`${JSON.stringify(bad)} is no log line`, () => assert.equal(parseLogLine(Buffer.from(bad)), undefined));
}

test('an empty line is a line', () => {
  assert.equal(parseLogLine(Buffer.from('2026-01-01T00:00:00Z stdout F '))?.text.length, 0);
});

for (const [query, message] of [
  ['tailLines=-1', /tailLines must be a whole number of at least 0, not "-1"/],
  ['limitBytes=0', /limitBytes/],
  ['sinceTime=yesterday', /sinceTime: "yesterday" is not a time/],
] as const) {
  test(`the query ${query} is refused`, () =>
    assert.throws(() => parseLogOptions(new URLSearchParams(query), 0), { name: 'RangeError', message }));
}
