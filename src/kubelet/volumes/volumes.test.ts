import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { ConfigMap, KubeObject, Volume } from '#api';
import { createFakeClient } from '#client/testing';
import { createFakeMounts, type FakeMounts } from '#host/testing';
import { aPod } from '../testing.ts';
import { containerMounts } from './container-mounts.ts';
import { createVolumes } from './volumes.ts';

let root: string;
let mounts: FakeMounts;
let maps: Record<string, ConfigMap>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'volumes-'));
  mounts = createFakeMounts();
  maps = { settings: { metadata: { name: 'settings' }, data: { a: '1' } } };
});
afterEach(() => rm(root, { recursive: true, force: true }));

const facts = { hostIps: [], podIps: [], allocatable: {} };
function setUp(objects: KubeObject[] = []) {
  const tokens = { token: async () => 't', nextRenewalMs: () => undefined, forget: () => undefined };
  const reader = { configMap: async (_: string, name: string) => maps[name], secret: async () => undefined };
  return createVolumes({ rootDir: root, mounts, client: createFakeClient(objects), objects: reader, tokens });
}
const prepare = (volume: Partial<Volume>, spec: object = {}, objects?: KubeObject[]) =>
  setUp(objects).prepare(aPod({ volumes: [{ name: 'v', ...volume }], ...spec }), facts);
const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

describe('emptyDir', () => {
  test('is a folder that everybody may write to', async () => {
    const path = (await prepare({ emptyDir: {} })).get('v')!;
    assert.equal(path, join(root, 'pods/uid-1/volumes/kubernetes.io~empty-dir/v'));
    assert.equal(await modeOf(path), 0o777);
    assert.equal(mounts.mounted.size, 0);
  });
  test('in memory is a mount, made once', async () => {
    const path = (await prepare({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } })).get('v')!;
    assert.equal(mounts.mounted.get(path)?.type, 'tmpfs');
    await writeFile(join(path, 'kept'), '');
    await prepare({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } });
    assert.deepEqual(await readdir(path), ['kept']);
  });
  test('belongs to the pod’s group', { skip: process.getuid!() !== 0 && 'needs root to give files away' }, async () => {
    const path = (await prepare({ emptyDir: {} }, { securityContext: { fsGroup: 1234 } })).get('v')!;
    assert.equal((await stat(path)).gid, 1234);
    assert.equal(await modeOf(path), 0o2777);
  });
});

describe('files of objects', () => {
  test('of a ConfigMap lie on the disk and follow the object', async () => {
    const path = (await prepare({ configMap: { name: 'settings' } })).get('v')!;
    assert.equal(await readFile(join(path, 'a'), 'utf8'), '1');
    assert.equal(mounts.mounted.size, 0);
    maps['settings'] = { metadata: { name: 'settings' }, data: { b: '2' } };
    await prepare({ configMap: { name: 'settings' } });
    assert.deepEqual(
      (await readdir(path)).filter(name => !name.startsWith('..')),
      ['b'],
    );
  });
  test('of a token lie in memory only', async () => {
    const sources = [{ serviceAccountToken: { path: 'token' } }];
    const path = (await prepare({ projected: { sources } })).get('v')!;
    assert.equal(mounts.mounted.get(path)?.type, 'tmpfs');
    assert.equal(await readFile(join(path, 'token'), 'utf8'), 't');
  });
  test('of a missing object are an error that names volume and object', async () => {
    await assert.rejects(prepare({ secret: { secretName: 'none' } }), {
      ...{ name: 'VolumeError', message: 'MountVolume.SetUp failed for volume "v" : secret "none" not found' },
    });
    assert.equal(mounts.mounted.size, 0);
    const path = (await prepare({ configMap: { name: 'none', optional: true } })).get('v')!;
    assert.deepEqual(
      (await readdir(path)).filter(name => !name.startsWith('..')),
      [],
    );
  });
});

describe('hostPath', () => {
  const check = (path: string, type: string) => prepare({ hostPath: { path, type } });
  test('is the path of the node, unchecked without a type', async () => {
    assert.equal((await check('/does/not/exist', '')).get('v'), '/does/not/exist');
  });
  test('is checked by its type', async () => {
    await writeFile(join(root, 'file'), '');
    await check(join(root, 'file'), 'File');
    await check(root, 'Directory');
    const refusal = (text: string) => ({
      message: `MountVolume.SetUp failed for volume "v" : hostPath type check failed: ${text}`,
    });
    await assert.rejects(check(root, 'File'), refusal(`${root} is not a file`));
    await assert.rejects(check(join(root, 'none'), 'Directory'), refusal(`${root}/none is not a directory`));
    await assert.rejects(check(join(root, 'file'), 'Socket'), refusal(`${root}/file is not a socket file`));
  });
  test('is made where the type says so', async () => {
    await check(join(root, 'made/deep'), 'DirectoryOrCreate');
    assert.equal(await modeOf(join(root, 'made/deep')), 0o755);
    await check(join(root, 'made/file'), 'FileOrCreate');
    assert.equal((await stat(join(root, 'made/file'))).isFile(), true);
    await assert.rejects(check(join(root, 'none/file'), 'FileOrCreate'), /no such file or directory/);
  });
});

describe('claims', () => {
  const claim = (phase: string): KubeObject =>
    ({
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' } },
      ...{ spec: { volumeName: 'pv' }, status: { phase } },
    }) as KubeObject;
  const volume = (source: object): KubeObject =>
    ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' }, spec: source }) as KubeObject;
  const use = { persistentVolumeClaim: { claimName: 'data' } };
  test('lead to the local path of their volume', async () => {
    const found = await prepare(use, {}, [claim('Bound'), volume({ local: { path: root } })]);
    assert.equal(found.get('v'), root);
  });
  test('that are not bound or missing are waited for', async () => {
    await assert.rejects(prepare(use, {}, [claim('Pending')]), /PVC default\/data is not bound/);
    await assert.rejects(prepare(use), /persistentvolumeclaim "data" not found/);
  });
  test('to volumes that must be attached are refused with a word', async () => {
    const csi = volume({ csi: { driver: 'd', volumeHandle: 'h' } });
    await assert.rejects(prepare(use, {}, [claim('Bound'), csi]), /neither local nor hostPath: not implemented/);
  });
});

describe('removal', () => {
  test('unmounts first, the deepest before the rest, then deletes', async () => {
    const volumes = setUp();
    const order: string[] = [];
    const { unmount } = mounts;
    mounts.unmount = async path => {
      order.push(path);
      await unmount(path);
    };
    const base = join(root, 'pods/uid-1/volumes/kubernetes.io~empty-dir/v');
    await mkdir(join(base, 'inner'), { recursive: true });
    await mounts.tmpfs(base);
    await mounts.tmpfs(join(base, 'inner'));
    await mounts.tmpfs(join(root, 'pods/uid-10/volumes/other'));
    await volumes.remove('uid-1');
    assert.deepEqual(order, [join(base, 'inner'), base]);
    assert.deepEqual(await volumes.uids(), []);
  });
  test('never deletes through a mount that stays', async () => {
    const path = (await prepare({ emptyDir: { medium: 'Memory' } })).get('v')!;
    await writeFile(join(path, 'precious'), '');
    mounts.unmount = async () => undefined;
    await assert.rejects(setUp().remove('uid-1'), /still mounted/);
    assert.deepEqual(await readdir(path), ['precious']);
  });
  test('of the volumes alone keeps the rest of the pod’s folder', async () => {
    await prepare({ emptyDir: {} });
    await writeFile(join(root, 'pods/uid-1/etc-hosts'), '');
    await setUp().removeVolumes('uid-1');
    assert.deepEqual(await readdir(join(root, 'pods/uid-1')), ['etc-hosts']);
  });
});

describe('mounts of a container', () => {
  const made = (container: object, env: Record<string, string> = {}) =>
    containerMounts(
      aPod(),
      { name: 'app', ...container },
      {
        ...{ rootDir: root, mounts, volumes: new Map([['v', join(root, 'v')]]), startId: 's1' },
        env: new Map(Object.entries(env)),
      },
    );
  test('are its volumes, the hosts file and the file for its last words', async () => {
    const found = await made({
      volumeMounts: [{ name: 'v', mountPath: 'data', readOnly: true, mountPropagation: 'Bidirectional' }],
      terminationMessagePath: '/dev/termination-log',
    });
    assert.deepEqual(
      found.map(one => [one.containerPath, one.readonly ?? false, one.propagation]),
      [
        ['/data', true, 'PROPAGATION_BIDIRECTIONAL'],
        ['/etc/hosts', false, 'PROPAGATION_PRIVATE'],
        ['/dev/termination-log', false, 'PROPAGATION_PRIVATE'],
      ],
    );
    assert.equal(found[2]!.hostPath, join(root, 'pods/uid-1/containers/app/s1'));
    assert.equal(await modeOf(found[2]!.hostPath), 0o666);
  });
  test('a hosts file of the pod’s own is left alone', async () => {
    const found = await made({ volumeMounts: [{ name: 'v', mountPath: '/etc/hosts' }] });
    assert.equal(found.length, 1);
  });
  test('a part of a volume may be named by variables, which must be set', async () => {
    await mkdir(join(root, 'v'));
    const volumeMounts = [{ name: 'v', mountPath: '/d', subPathExpr: 'logs/$(POD)' }];
    const [first] = await made({ volumeMounts }, { POD: 'web' });
    assert.equal(first!.hostPath, join(root, 'pods/uid-1/volume-subpaths/v/app/0'));
    assert.equal((await stat(join(root, 'v/logs/web'))).isDirectory(), true);
    await assert.rejects(made({ volumeMounts }), { name: 'ContainerConfigError', message: 'missing value for "POD"' });
  });
  test('a volume that the pod does not have, or a path out of it, keeps the container from starting', async () => {
    await assert.rejects(made({ volumeMounts: [{ name: 'w', mountPath: '/d' }] }), {
      message: 'cannot find volume "w" to mount into container "app"',
    });
    await mkdir(join(root, 'v'));
    await assert.rejects(made({ volumeMounts: [{ name: 'v', mountPath: '/d', subPath: '../x' }] }), {
      ...{ name: 'ContainerConfigError' },
      message: /^failed to prepare subPath for volumeMount "v" of container "app": /,
    });
  });
});
