import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Payload, writePayload } from './atomic-writer.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'payload-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const payload = (files: Readonly<Record<string, string>>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { bytes: Buffer.from(text), mode }]));

/** All files as a container sees them, by path. */
async function seen(at = folder, prefix = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(at)).sort()) {
    if (prefix === '' && name.startsWith('..')) continue;
    const path = join(at, name);
    if ((await stat(path)).isDirectory()) Object.assign(found, await seen(path, `${prefix}${name}/`));
    else found[`${prefix}${name}`] = await readFile(path, 'utf8');
  }
  return found;
}

describe('files of a volume', () => {
  test('are seen through links over one link that is swapped', async () => {
    assert.equal(await writePayload(folder, payload({ a: '1', 'b/c': '2' })), true);
    assert.deepEqual(await seen(), { a: '1', 'b/c': '2' });
    assert.equal(await readlink(join(folder, 'a')), '..data/a');
    assert.equal(await readlink(join(folder, 'b')), '..data/b');
    assert.equal((await lstat(join(folder, '..data'))).isSymbolicLink(), true);
  });
  test('that did not change are not written again', async () => {
    await writePayload(folder, payload({ a: '1' }));
    const before = await readlink(join(folder, '..data'));
    assert.equal(await writePayload(folder, payload({ a: '1' })), false);
    assert.equal(await readlink(join(folder, '..data')), before);
  });
  test('change together: a folder that was opened before keeps the old ones', async () => {
    await writePayload(folder, payload({ a: 'old', b: 'old' }));
    const before = await readlink(join(folder, '..data'));
    await writePayload(folder, payload({ a: 'new', b: 'new' }));
    assert.notEqual(await readlink(join(folder, '..data')), before);
    assert.deepEqual(await seen(), { a: 'new', b: 'new' });
    assert.deepEqual(
      (await readdir(folder)).filter(name => name === before),
      [],
    );
  });
  test('that are gone from the payload are gone, also the last of a folder', async () => {
    await writePayload(folder, payload({ a: '1', 'b/c': '2', 'b/d': '3' }));
    await writePayload(folder, payload({ 'b/d': '3' }));
    assert.deepEqual(await seen(), { 'b/d': '3' });
    await writePayload(folder, payload({}));
    assert.deepEqual(
      (await readdir(folder)).filter(name => !name.startsWith('..')),
      [],
    );
  });
  test('have the mode that was asked for, whatever the umask', async () => {
    await writePayload(folder, new Map([['a', { bytes: Buffer.from(''), mode: 0o666 }]]));
    assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o666);
  });
  test('of a pod with a group can be read by it', {
    skip: process.getuid!() !== 0 && 'needs root to give files away',
  }, async () => {
    const files: Payload = new Map([['a', { bytes: Buffer.from(''), mode: 0o400, uid: 1000 }]]);
    await writePayload(folder, files, { group: 2000 });
    const { uid, gid, mode } = await stat(join(folder, 'a'));
    assert.deepEqual([uid, gid, mode & 0o777], [1000, 2000, 0o440]);
  });
  test('left by a write that was cut short are cleared away', async () => {
    await mkdir(join(folder, '..wherry-left'));
    await writePayload(folder, payload({ a: '1' }));
    const hidden = (await readdir(folder)).filter(name => name.startsWith('..'));
    assert.deepEqual(hidden.sort(), ['..data', await readlink(join(folder, '..data'))].sort());
  });
  test('outside the volume are refused, and nothing is written', async () => {
    for (const path of ['', '/etc/passwd', '../a', 'a/../../b', '..data', 'x'.repeat(256), `${'y/'.repeat(2100)}z`]) {
      await assert.rejects(writePayload(folder, payload({ good: '1', [path]: '2' })), { name: 'VolumeError' }, path);
    }
    assert.deepEqual(await readdir(folder), []);
  });
});

test('after any two writes a volume shows exactly the second payload', async () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'));
  const files = fc
    .dictionary(path, fc.constantFrom('', 'x', 'longer'), { maxKeys: 4 })
    // A name is a file or a folder, not both.
    .filter(made => !Object.keys(made).some(one => Object.keys(made).some(other => other.startsWith(`${one}/`))));
  await fc.assert(
    fc.asyncProperty(files, files, async (first, second) => {
      const own = await mkdtemp(join(folder, 'run-'));
      await writePayload(own, payload(first));
      await writePayload(own, payload(second));
      assert.deepEqual(await seen(own), { ...second });
      await rm(own, { recursive: true });
    }),
    { numRuns: 60 },
  );
});
