import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRandom, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { openSqliteStore } from '#store';
import { shareBootstrap } from './bootstrap.ts';

const log = createRecordingLog();
const random = createRandom();

/** A store, and servers whose files say who made them. */
async function openServers(names: readonly string[]) {
  await using cleanup = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'wherry-bootstrap-'));
  cleanup.defer(() => rm(root, { recursive: true }));
  const store = cleanup.use(await openSqliteStore({ path: ':memory:', clock: createSystemClock(), log }));
  const servers = names.map(name => {
    const folder = join(root, name);
    mkdirSync(join(folder, 'tls'), { recursive: true });
    const path = join(folder, 'tls/server-ca.crt');
    const read = () => readFileSync(path, 'utf8');
    const makeFiles = async () => writeFileSync(path, `made by ${name}`, { flag: 'wx' });
    const share = (secret: string | undefined) =>
      shareBootstrap(
        {
          folder,
          secret,
          // There already: unpacked, or of the last start.
          makeFiles: () => makeFiles().catch(() => undefined),
        },
        { store, random, log },
      );
    return { name, folder, path, read, share };
  });
  const everything = cleanup.move();
  return { store, servers, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}

test('all servers have the files of the first, whoever that is', async () => {
  await using opened = await openServers(['a', 'b', 'c']);
  const { servers } = opened;
  await Promise.all(servers.slice(0, 2).map(({ share }) => share('secret')));
  await servers[2]!.share('secret');
  const texts = new Set(servers.map(({ read }) => read()));
  assert.equal(texts.size, 1);
  assert.match([...texts][0]!, /^made by [ab]$/);
});

test('what is stored can be read with the secret alone, and is found by it', async () => {
  await using opened = await openServers(['a', 'b']);
  const [a, b] = opened.servers;
  const { secret } = await a!.share(undefined);
  assert.match(secret, /^[0-9a-f]{32}$/);
  const { entries } = await opened.store.list({ prefix: '' });
  assert.equal(entries.length, 1);
  assert.match(entries[0]!.key, /^\/bootstrap\/[0-9a-f]{12}$/);
  assert.ok(!Buffer.from(entries[0]!.value).includes('made by'));
  await assert.rejects(b!.share('another'), { name: 'StartError', message: /a cluster with another token/ });
  await assert.rejects(b!.share(undefined), { name: 'StartError', message: /give its token with --token/ });
  assert.throws(b!.read);
});

test('of two servers that begin at once with different secrets one begins', async () => {
  await using opened = await openServers(['a', 'b']);
  const [a, b] = opened.servers;
  const results = await Promise.allSettled([a!.share('one'), b!.share('two')]);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal((await opened.store.list({ prefix: '' })).entries.length, 1);
});

test('files that change or come later go to servers that start after that', async () => {
  await using opened = await openServers(['a', 'b']);
  const [a, b] = opened.servers;
  const shared = await a!.share('secret');
  await b!.share('secret');
  mkdirSync(join(a!.folder, 'cred'));
  writeFileSync(join(a!.folder, 'cred/encryption-config.json'), 'new keys');
  writeFileSync(a!.path, 'rotated');
  await shared.publish();
  await b!.share('secret');
  assert.equal(b!.read(), 'rotated');
  assert.equal(readFileSync(join(b!.folder, 'cred/encryption-config.json'), 'utf8'), 'new keys');
});
