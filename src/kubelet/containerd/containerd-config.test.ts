import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerdConfig, renderContainerdConfig } from './containerd-config.ts';

const config: ContainerdConfig = {
  rootDir: '/data/agent/containerd',
  stateDir: '/run/w/containerd',
  socketPath: '/run/w/containerd/c.sock',
  configPath: '/data/agent/etc/containerd.toml',
  logPath: '/data/agent/containerd.log',
  cniConfDir: '/data/agent/etc/cni',
  cniBinDirs: ['/usr/lib/cni', '/opt/cni/bin'],
  pauseImage: 'docker.io/wherry/pause:1',
  cgroupDriver: 'cgroupfs',
  snapshotter: 'overlayfs',
  restrictOomScoreAdj: true,
  registriesDir: '/data/agent/etc/certs.d',
  programs: { containerd: '/usr/bin/containerd', runc: '/usr/sbin/runc', ctr: '/usr/bin/ctr' },
};

/** Lines of one table. */
function table(text: string, name: string): string[] {
  const lines = text.split('\n');
  const start = name ? lines.indexOf(`[${name}]`) + 1 : 0;
  assert.ok(start > 0 || !name, `${name} is not there`);
  const length = lines.slice(start).findIndex(line => line.startsWith('[') || line === '');
  return lines.slice(start, start + length).filter(line => !line.startsWith('#'));
}
const cri = 'plugins."io.containerd.grpc.v1.cri"';

test('all folders are those that are given, also where containerd would share one', () => {
  const text = renderContainerdConfig(config);
  assert.ok(table(text, '').includes('root = "/data/agent/containerd"'));
  assert.ok(table(text, '').includes('state = "/run/w/containerd"'));
  assert.deepEqual(table(text, 'grpc'), ['address = "/run/w/containerd/c.sock"']);
  assert.deepEqual(table(text, `${cri}.cni`), ['bin_dir = "/usr/lib/cni"', 'conf_dir = "/data/agent/etc/cni"']);
  assert.deepEqual(table(text, `${cri}.registry`), ['config_path = "/data/agent/etc/certs.d"']);
  assert.deepEqual(table(text, `${cri}.containerd.runtimes.runc.options`), [
    'BinaryName = "/usr/sbin/runc"',
    'Root = "/run/w/containerd/runc"',
    'SystemdCgroup = false',
  ]);
});

test('nothing listens beyond this machine', () => {
  const lines = table(renderContainerdConfig(config), cri);
  for (const line of ['disable_tcp_service = true', 'stream_server_address = "127.0.0.1"'])
    assert.ok(lines.includes(line));
});

test('without the right to lower it, no score of the out-of-memory killer is touched', () => {
  const without = renderContainerdConfig(config);
  assert.match(without, /^oom_score = 0$/m);
  assert.match(without, /^restrict_oom_score_adj = true$/m);
  const allowed = renderContainerdConfig({ ...config, restrictOomScoreAdj: false });
  assert.match(allowed, /^oom_score = -999$/m);
  assert.match(allowed, /^restrict_oom_score_adj = false$/m);
});

test('a path with quotes stays one string', () => {
  const text = renderContainerdConfig({ ...config, rootDir: '/a "b" \\c' });
  assert.ok(table(text, '').includes('root = "/a \\"b\\" \\\\c"'));
});
