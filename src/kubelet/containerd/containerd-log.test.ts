import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { lastLines, rotateLog, trimLog } from './containerd-log.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'));
  path = join(folder, 'containerd.log');
});
afterEach(() => rmSync(folder, { recursive: true }));
const large = `${'x'.repeat(6 * 1024 * 1024)}\nlast\n`;

test('a large log is kept once under another name, a small one is left', () => {
  writeFileSync(path, 'small\n');
  rotateLog(path);
  assert.equal(readFileSync(path, 'utf8'), 'small\n');
  writeFileSync(path, large);
  rotateLog(path);
  assert.equal(statSync(`${path}.1`).size, large.length);
  assert.throws(() => statSync(path), /ENOENT/);
  rotateLog(path);
});

test('a log that is being written is emptied, and written on', () => {
  writeFileSync(path, large);
  const file = openSync(path, 'a');
  trimLog(path);
  writeSync(file, 'more\n');
  closeSync(file);
  assert.equal(readFileSync(path, 'utf8'), 'more\n');
  assert.equal(statSync(`${path}.1`).size, large.length);
});

test('what containerd said last is its errors, or else its last lines', () => {
  assert.equal(lastLines(path), 'it wrote no log');
  writeFileSync(path, '');
  assert.equal(lastLines(path), 'it wrote nothing');
  writeFileSync(path, `${large}a\nb\n`);
  assert.equal(lastLines(path), 'a | b');
  writeFileSync(path, 'time="t" level=error msg="one"\nb\ncontainerd: two\nc\nd\n');
  assert.equal(lastLines(path), 'time="t" level=error msg="one" | containerd: two');
});
