import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { create, keysOf, withCode } from '../suite/harness.ts';
import { temporaryFolder } from '../suite/temporary.ts';
import { openSqliteStore } from './open.ts';

/** Mounts a file system of 3 MB; undefined when this process may not. */
function mountSmall(path: string): Disposable | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'wherry-test', path], { stdio: 'pipe' });
  } catch {
    // No right to mount, or no mount program: the caller skips.
    return undefined;
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', [path]) };
}

test('on a disk that is really full nothing acknowledged is lost, and writing goes on when there is room', async t => {
  await using folder = await temporaryFolder();
  using mount = mountSmall(folder.path);
  if (!mount) return t.skip('skipped: mounting a tmpfs needs root');
  const ballast = join(folder.path, 'ballast');
  await writeFile(ballast, Buffer.alloc(1024 * 1024));
  const options = { path: join(folder.path, 'a.db'), clock: createFakeClock(), log: createRecordingLog() };
  const written: string[] = [];
  {
    await using store = await openSqliteStore(options);
    const fill = async () => {
      for (;;) {
        const key = `/k/${written.length}`;
        await create(store, key, 'x'.repeat(3000));
        written.push(key);
      }
    };
    await assert.rejects(fill(), withCode('unavailable'));
    await assert.rejects(create(store, '/k/more', 'x'.repeat(100_000)), withCode('unavailable'));
    assert.equal((await keysOf(store, '/k/')).length, written.length);
    await rm(ballast);
    await create(store, '/k/more', 'x'.repeat(50_000));
  }
  await using again = await openSqliteStore(options);
  assert.deepEqual(new Set(await keysOf(again, '/k/')), new Set([...written, '/k/more']));
});
