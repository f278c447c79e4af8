/** What a pod's spec says about files, environment, names and namespaces, seen from inside real containers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, skip, startWords, type Words } from './cluster.ts';

let w: Words;
let socket: Server;
before(async () => {
  if (skip) return;
  w = await startWords();
  socket = createServer().listen(join(w.server.dataFolder, 'test.sock'));
  await once(socket, 'listening');
  w.applyFile('pod-spec');
  const pods = ['volumes', 'env', 'no-links', 'named', 'full-name', 'dns-first', 'dns-default', 'dns-none'];
  w.ready(...pods, 'on-host', 'on-host-default', 'shared');
});
after(async () => {
  socket?.close();
  await w?.server[Symbol.asyncDispose]();
});

const sh = (pod: string, script: string) => w.sh(pod, script);
const environment = (pod: string) =>
  new Map(w.lines(pod).map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));

test('an emptyDir is writable for all, shared by its mounts, and read-only where asked', { skip }, () => {
  assert.equal(sh('volumes', 'stat -c "%a %F" /scratch'), '777 directory');
  assert.equal(sh('volumes', 'echo a > /sub/f; echo b > /expr/f; cd /scratch; cat a/b/f of-volumes/f'), 'a\nb');
  assert.match(sh('volumes', 'touch /read-only/x 2>&1; cat /read-only/a/b/f'), /Read-only file system\na$/);
});

test('an emptyDir in memory is a tmpfs of its limit', { skip }, () => {
  assert.match(sh('volumes', 'grep " /memory " /proc/mounts'), /^tmpfs \/memory tmpfs rw,.*size=8192k/);
  assert.match(sh('volumes', 'dd if=/dev/zero of=/memory/x bs=1M count=9 2>&1; rm /memory/x'), /No space left/);
});

test('a hostPath is made, or is what it must be', { skip }, () => {
  sh('volumes', 'echo from-pod > /made/f; echo line > /file');
  const folder = w.server.dataFolder;
  assert.equal(readFileSync(join(folder, 'made/here/f'), 'utf8'), 'from-pod\n');
  assert.equal(readFileSync(join(folder, 'made-file'), 'utf8'), 'line\n');
  assert.equal(statSync(join(folder, 'made/here')).mode & 0o777, 0o755);
  assert.equal(statSync(join(folder, 'made-file')).mode & 0o777, 0o644);
  assert.equal(sh('volumes', 'stat -c %F /null /socket'), 'character special file\nsocket');
});

test('a hostPath of another type is said in an event', { skip }, async () => {
  const said = await w.untilEvent('wrong-type', /FailedMount/);
  assert.equal(
    said,
    'Warning FailedMount MountVolume.SetUp failed for volume "v" : hostPath type check failed: /dev/null is not a directory',
  );
  assert.equal(w.field('pod/wrong-type', '{.status.containerStatuses[0].state.waiting.reason}'), 'ContainerCreating');
});

test('a ConfigMap that is not there holds the pod up until it is', { skip }, async () => {
  const said = await w.untilEvent('no-config', /FailedMount/);
  assert.equal(said, 'Warning FailedMount MountVolume.SetUp failed for volume "v" : configmap "no-such" not found');
  const key = await w.untilEvent('no-key', /Failed /);
  assert.equal(key, `Warning Failed Error: couldn't find key no-such in ConfigMap default/settings`);
  assert.equal(
    w.field('pod/no-key', '{.status.containerStatuses[0].state.waiting}'),
    `{"message":"couldn't find key no-such in ConfigMap default/settings","reason":"CreateContainerConfigError"}`,
  );
  assert.match(w.k('get', 'pod', 'no-key'), /no-key +0\/1 +CreateContainerConfigError +0 /);
});

test('ConfigMaps and Secrets are files with keys, modes and bytes', { skip }, () => {
  assert.equal(sh('volumes', 'cd /config; ls; stat -Lc %a color; wc -c < raw'), 'color\nraw\nshape\n440\n3');
  assert.equal(sh('volumes', 'cd /one; ls; stat -Lc %a deep/form; cat deep/form'), 'deep\n400\nround');
  assert.equal(sh('volumes', 'cat /etc/color; ls /absent'), 'green');
  assert.equal(sh('volumes', 'stat -Lc %a /secret/password; cat /secret/password'), '644\nhush');
  assert.match(sh('volumes', 'grep " /secret " /proc/mounts'), /^tmpfs \/secret tmpfs ro/);
});

test('an immutable ConfigMap does not change', { skip }, () => {
  const { stderr } = w.server.tryKubectl(['patch', 'configmap', 'fixed', '-p', '{"data":{"k":"w"}}']);
  assert.match(stderr, /data: Forbidden: field is immutable when `immutable` is set/);
});

test('a projected volume joins all sources', { skip }, () => {
  const script =
    'cd /all; ls; cat config/color secret/password; echo; cat labels; echo; cat note; echo; stat -Lc %a note secret/password';
  assert.deepEqual(sh('volumes', script).split('\n'), [
    ...['config', 'cpu', 'labels', 'memory', 'note', 'request', 'secret', 'token', 'greenhush'],
    ...['app="volumes"', 'tier="back"', 'kept', '444', '400'],
  ]);
  assert.equal(sh('volumes', 'cd /all; cat cpu; echo; cat memory; echo; cat request'), '500\n64\n1');
  const [, claims] = sh('volumes', 'cat /all/token').split('.');
  const { aud, exp, iat } = JSON.parse(Buffer.from(claims!, 'base64url').toString());
  assert.deepEqual([aud, exp - iat], [['elsewhere'], 3600]);
});

test('files follow their objects: labels and annotations of the pod itself', { skip }, async () => {
  w.k('annotate', 'pod', 'volumes', 'note=changed', '--overwrite');
  await eventually('the file follows', () => sh('volumes', 'cat /all/note') === 'changed', 90);
  assert.equal(sh('volumes', 'cat /etc/color'), 'green');
});

test('environment comes from literals, fields, resources, ConfigMaps and Secrets', { skip }, () => {
  const variables = environment('env');
  const expected: Record<string, string> = {
    FIRST: 'one',
    SECOND: 'one-two',
    LITERAL: '$(FIRST)',
    UNKNOWN: '$(NOWHERE)',
    S_color: 'green',
    S_shape: 'square',
    password: 'hush',
    NAME: 'env',
    SPACE: 'default',
    LABEL: 'env',
    ACCOUNT: 'default',
    COLOR: 'green',
    CPU: '250',
    MEMORY: String(48 * 1024 * 1024),
    IP: w.field('pod/env', '{.status.podIP}'),
    HOST: w.field('pod/env', '{.status.hostIP}'),
    UID: w.field('pod/env', '{.metadata.uid}'),
    HOSTNAME: 'env',
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(variables.get(name), value, name);
  assert.ok(!variables.has('MISSING'));
  assert.deepEqual(w.lines('env').slice(0, 2), ['/tmp', 'one $(FIRST)']);
});

test('Services are in the environment, unless links are off', { skip }, () => {
  const address = w.field('svc/my-svc', '{.spec.clusterIP}');
  const variables = environment('env');
  const expected: Record<string, string> = {
    MY_SVC_SERVICE_HOST: address,
    MY_SVC_SERVICE_PORT: '80',
    MY_SVC_SERVICE_PORT_HTTP: '80',
    MY_SVC_SERVICE_PORT_DNS: '53',
    MY_SVC_PORT: `tcp://${address}:80`,
    MY_SVC_PORT_53_UDP: `udp://${address}:53`,
    MY_SVC_PORT_80_TCP: `tcp://${address}:80`,
    MY_SVC_PORT_80_TCP_PROTO: 'tcp',
    MY_SVC_PORT_80_TCP_PORT: '80',
    MY_SVC_PORT_80_TCP_ADDR: address,
    KUBERNETES_SERVICE_HOST: '10.43.0.1',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(variables.get(name), value, name);
  const without = environment('no-links');
  assert.ok(!without.has('MY_SVC_SERVICE_HOST'));
  assert.equal(without.get('KUBERNETES_SERVICE_HOST'), '10.43.0.1');
});

test('a pod has the host name and the hosts file that its spec says', { skip }, () => {
  const [name, ...hosts] = w.lines('named');
  const address = w.field('pod/named', '{.status.podIP}');
  assert.equal(name, 'web1');
  assert.equal(hosts[0], '# Kubernetes-managed hosts file.');
  assert.ok(hosts.includes(`${address}\tweb1.team.default.svc.cluster.local\tweb1`), hosts.join('\n'));
  assert.deepEqual(hosts.slice(-2), ['# Entries added by HostAliases.', '192.0.2.7\tfar.example\tfar']);
  assert.deepEqual(w.lines('full-name'), ['web2.team.default.svc.cluster.local']);
});

test('resolv.conf follows dnsPolicy and dnsConfig', { skip }, () => {
  const cluster = 'search default.svc.cluster.local svc.cluster.local cluster.local';
  const host = readFileSync('/etc/resolv.conf', 'utf8');
  const search = (/^search (.*)$/m.exec(host)?.[1] ?? '').split(/\s+/).filter(Boolean);
  assert.deepEqual(w.lines('dns-first'), [
    [cluster, ...search, 'example.test'].join(' '),
    'nameserver 10.43.0.10',
    'options ndots:2 edns0',
  ]);
  assert.deepEqual(w.lines('dns-none'), ['search a.test b.test', 'nameserver 192.0.2.53', 'options timeout:3']);
  assert.deepEqual(w.lines('on-host'), [[cluster, ...search].join(' '), 'nameserver 10.43.0.10', 'options ndots:5']);
  const servers = (text: string) => [...text.matchAll(/^nameserver (\S+)/gm)].map(match => match[1]);
  assert.deepEqual(servers(w.lines('dns-default').join('\n')), servers(host));
  assert.deepEqual(servers(w.lines('on-host-default').join('\n')), servers(host));
});

test('host namespaces are those of the host', { skip }, () => {
  const ids = (pod: string) => sh(pod, 'for one in net pid ipc; do readlink /proc/self/ns/$one; done').split('\n');
  const mine = ids('on-host');
  const other = ids('env');
  assert.equal(sh('on-host', 'hostname'), hostname());
  assert.equal(w.field('pod/on-host', '{.status.podIP}'), w.field('pod/on-host', '{.status.hostIP}'));
  for (const [index, id] of mine.entries()) assert.notEqual(id, other[index]);
  for (const [index, one] of ['net', 'pid', 'ipc'].entries()) {
    assert.equal(mine[index], readlinkSync(`/proc/self/ns/${one}`));
  }
});

test('containers of a pod see each other only with a shared process namespace', { skip }, () => {
  const seen = (pod: string) => sh(pod, 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "');
  assert.match(seen('shared/one'), /sleep 2222/);
  assert.match(sh('shared/one', "tr '\\0' ' ' < /proc/1/cmdline"), /pause/);
  assert.match(sh('env', "tr '\\0' ' ' < /proc/1/cmdline"), /^sleep 1000/);
});
