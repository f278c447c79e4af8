/** A cluster moves from SQLite to etcd. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ConfigMap } from '#api';
import { resources } from '#api';
import { createSystemClock } from '#base';
import { openEtcdStore } from '#store';
import { missingEtcd, startEtcd } from '#store/testing';
import { wherry } from '../../tools/server.ts';
import { prepareServers } from './servers.ts';

const namespace = 'default';

describe('wherry datastore migrate', { skip: missingEtcd() ?? false }, () => {
  test('moves a stopped cluster, its authorities and its revisions to etcd, once', async () => {
    await using etcd = await startEtcd();
    await using before = await prepareServers(1, []);
    await using after = await prepareServers(1, ['--datastore-endpoint', `http://${etcd.endpoints[0]}`]);
    const [old] = before.servers;
    const [moved] = after.servers;
    const migrate = () =>
      spawnSync(
        wherry,
        ['datastore', 'migrate', '--data-dir', old!.dataFolder, '--datastore-endpoint', `http://${etcd.endpoints[0]}`],
        { encoding: 'utf8' },
      );
    await old!.start();
    const made: ConfigMap[] = [];
    for (let index = 0; index < 200; index++) {
      const object = { metadata: { name: `kept-${index}`, namespace }, data: { n: String(index) } } as ConfigMap;
      made.push(await old!.client.create(resources.configmaps, object));
    }
    const running = migrate();
    assert.match(running.stderr, /the server runs \(process \d+\): stop it first/);
    assert.equal(running.status, 1);
    await old!.signal('SIGTERM');

    const done = migrate();
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /verified: every object is there[\s\S]*moved \d+ objects/);
    const again = migrate();
    assert.equal(again.status, 1);
    assert.match(again.stderr, /the etcd is not empty/);

    await moved!.start();
    const oldest = Math.max(...made.map(({ metadata }) => Number(metadata.resourceVersion)));
    const { items } = await moved!.client.list(resources.configmaps, { namespace });
    for (const { metadata, data } of made) {
      const found = items.find(item => item.metadata.name === metadata.name);
      assert.deepEqual([found?.metadata.uid, found?.data], [metadata.uid, data]);
      assert.ok(Number(found?.metadata.resourceVersion) > oldest, 'no version goes back');
    }
    // A client that remembers a version of before is told to start over.
    const watching = async () => {
      const { resourceVersion } = made.at(-1)!.metadata;
      const selection = { namespace, resourceVersion, timeoutSeconds: 5 };
      for await (const { type } of moved!.client.watch(resources.configmaps, selection)) assert.fail(type);
    };
    await assert.rejects(watching(), { code: 410 });
    // What the old authorities and keys have signed is still good.
    for (const file of ['server-ca.crt', 'client-ca.key', 'request-header-ca.crt', 'service.key']) {
      const [before, now] = [old!, moved!].map(({ dataFolder }) =>
        readFileSync(join(dataFolder, 'server/tls', file), 'utf8'),
      );
      assert.equal(now, before, file);
    }
  });

  test('an etcd that has keys of somebody else under the prefix is left alone', async () => {
    await using etcd = await startEtcd();
    await using before = await prepareServers(1, []);
    const [old] = before.servers;
    await old!.start();
    await old!.signal('SIGTERM');
    const clock = createSystemClock();
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    await using store = await openEtcdStore({ endpoints: etcd.endpoints }, { clock, log });
    await store.write({ key: '/registry/pods/default/x', value: Buffer.from('{}'), expect: 0 });
    const { status, stderr } = spawnSync(
      wherry,
      ['datastore', 'migrate', '--data-dir', old!.dataFolder, '--datastore-endpoint', `http://${etcd.endpoints[0]}`],
      { encoding: 'utf8' },
    );
    assert.equal(status, 1);
    assert.match(stderr, /the etcd is not empty: it has keys under \/registry\//);
    assert.equal((await store.list({ prefix: '' })).entries.length, 1);
  });
});
