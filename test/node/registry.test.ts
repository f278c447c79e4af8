/** Images from a registry: pulled by name and digest, when the policy says, with and without a password. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../../tools/server.ts';
import { eventually, missingForPods, type Server, startServer } from '../e2e/fixture.ts';
import { account, missingRegistry, push, type Registry, startRegistry } from './registry.ts';

const skip = missingForPods() ?? missingRegistry ?? false;
const archive = join(root, 'build', 'images', 'busybox.tar');
let server: Server;
let open: Registry;
let locked: Registry;
let digest: string;
before(async () => {
  if (skip) return;
  server = await startServer({ node: true });
  open = await startRegistry();
  locked = await startRegistry({ locked: true });
  digest = await push(archive, open, 'tools/busybox:1');
  await push(archive, locked, 'private/busybox:1');
});
after(async () => {
  await open?.[Symbol.asyncDispose]();
  await locked?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const k = (...args: string[]) => server.kubectl(...args);

function run(name: string, image: string, { policy = '', spec = '' } = {}): void {
  server.apply(`
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
  ${spec}
  containers:
    - name: main
      image: ${image}
      ${policy && `imagePullPolicy: ${policy}`}
      command: [sleep, "1000"]
`);
}
const ready = (name: string) => k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
const waiting = (name: string) => {
  const path =
    '{.status.containerStatuses[0].state.waiting.reason}: {.status.containerStatuses[0].state.waiting.message}';
  return k('get', 'pod', name, '-o', `jsonpath=${path}`);
};
const untilWaiting = (name: string, pattern: RegExp) =>
  eventually(`${name} waits with ${pattern}`, () => pattern.test(waiting(name)) && waiting(name), 30);
/** `type reason count message`, the oldest first. */
const events = (name: string) => {
  const path = '{range .items[*]}{.type} {.reason} {.count} {.message}{"\\n"}{end}';
  const selector = `involvedObject.name=${name}`;
  return k('get', 'events', '--field-selector', selector, '--sort-by=.firstTimestamp', '-o', `jsonpath=${path}`);
};
const untilEvent = (name: string, pattern: RegExp) =>
  eventually(`${name} has the event ${pattern}`, () => pattern.exec(events(name)), 30);
const remove = (...names: string[]) => k('delete', 'pod', ...names, '--now');

test('an image that is not there is pulled, and once more only with the policy Always', { skip }, async () => {
  const image = `${open.host}/tools/busybox:1`;
  run('never', image, { policy: 'Never' });
  const message = `Container image "${image}" is not present with pull policy of Never`;
  assert.equal(await untilWaiting('never', /^ErrImageNeverPull/), `ErrImageNeverPull: ${message}`);
  await untilEvent('never', RegExp(`^Warning ErrImageNeverPull \\d+ ${message}$`, 'm'));
  await untilEvent('never', /^Warning Failed \d+ Error: ErrImageNeverPull$/m);

  run('first', image, { policy: 'IfNotPresent' });
  ready('first');
  await untilEvent('first', RegExp(`^Normal Pulling 1 Pulling image "${image}"$`, 'm'));
  await untilEvent(
    'first',
    /^Normal Pulled 1 Successfully pulled image "\S+" in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d{5,} bytes\.$/m,
  );
  const field = (path: string) => k('get', 'pod', 'first', '-o', `jsonpath={.status.containerStatuses[0].${path}}`);
  assert.equal(field('image'), image);
  assert.equal(field('imageID'), `${open.host}/tools/busybox@${digest}`);

  run('second', image, { policy: 'IfNotPresent' });
  ready('second');
  await untilEvent('second', /^Normal Pulled 1 Container image "\S+" already present on machine/m);
  assert.doesNotMatch(events('second'), /Pulling/);

  run('third', image, { policy: 'Always' });
  ready('third');
  await untilEvent('third', /^Normal Pulling 1 /m);
  await untilEvent('third', /^Normal Pulled 1 Successfully pulled image/m);

  // It waits for the image that has come meanwhile.
  ready('never');
  remove('never', 'first', 'second', 'third');
});

test('an image is had by its digest', { skip }, async () => {
  run('exact', `${open.host}/tools/busybox@${digest}`);
  ready('exact');
  run('both', `${open.host}/tools/busybox:9@${digest}`);
  ready('both');
  assert.match(k('get', 'pod', 'both', '-o', 'jsonpath={.status.containerStatuses[0].imageID}'), RegExp(`@${digest}$`));
  run('wrong', `${open.host}/tools/busybox@sha256:${'0'.repeat(64)}`);
  await untilWaiting('wrong', /^(ErrImagePull|ImagePullBackOff): .*not found/);
  remove('exact', 'both', 'wrong');
});

test('a tag that is not there is said, tried again after a pause that grows, and found when it comes', {
  skip,
}, async () => {
  const image = `${open.host}/tools/busybox:2`;
  run('early', image);
  const first = await untilWaiting('early', /^ErrImagePull/);
  assert.match(first, /failed to resolve reference "127\.0\.0\.1:\d+\/tools\/busybox:2": .*not found/);
  const second = await untilWaiting('early', /^ImagePullBackOff/);
  assert.ok(second.startsWith(`ImagePullBackOff: Back-off pulling image "${image}": ErrImagePull: `), second);
  await untilEvent('early', RegExp(`^Warning Failed \\d+ Failed to pull image "${image}": .*not found$`, 'm'));
  await untilEvent('early', /^Warning Failed \d+ Error: ErrImagePull$/m);
  await untilEvent('early', RegExp(`^Normal BackOff \\d+ Back-off pulling image "${image}"$`, 'm'));
  await untilEvent('early', /^Warning Failed \d+ Error: ImagePullBackOff$/m);
  await push(archive, open, 'tools/busybox:2');
  ready('early');
  const pulling = Number(/^Normal Pulling (\d+)/m.exec(events('early'))![1]);
  assert.ok(pulling >= 2 && pulling <= 3, `pulled ${pulling} times within some 10 to 20 seconds`);
  remove('early');
});

test('a registry that is not there is said', { skip }, async () => {
  run('nowhere', '127.0.0.1:1/tools/busybox:1');
  assert.match(await untilWaiting('nowhere', /^ErrImagePull|ImagePullBackOff/), /connect: connection refused/);
  remove('nowhere');
});

test('a password comes from the secrets of the pod or of its service account, and only if it is right', {
  skip,
}, async () => {
  const image = `${locked.host}/private/busybox:1`;
  const secret = (name: string, password: string) =>
    k(
      ...['create', 'secret', 'docker-registry', name, `--docker-server=${locked.host}`],
      ...[`--docker-username=${account.name}`, `--docker-password=${password}`],
    );
  run('stranger', image);
  const refusal = await untilWaiting('stranger', /^ErrImagePull/);
  assert.match(refusal, /no basic auth credentials|401 Unauthorized|authorization failed/);
  secret('false', 'loud');
  run('liar', image, { spec: 'imagePullSecrets: [{ name: "false" }]' });
  await untilWaiting('liar', /^(ErrImagePull|ImagePullBackOff): .*(401|authorization failed|unauthorized)/i);

  secret('true', account.password);
  run('guest', image, {
    policy: 'Always',
    spec: 'imagePullSecrets: [{ name: absent }, { name: "false" }, { name: "true" }]',
  });
  ready('guest');
  await untilEvent(
    'guest',
    /^Warning FailedToRetrieveImagePullSecret \d+ Unable to retrieve some image pull secrets \(absent\); attempting to pull the image may not succeed\.$/m,
  );

  k('create', 'serviceaccount', 'porter');
  k('patch', 'serviceaccount', 'porter', '-p', '{"imagePullSecrets":[{"name":"true"}]}');
  run('member', image, { policy: 'Always', spec: 'serviceAccountName: porter' });
  ready('member');
  assert.equal(k('get', 'pod', 'member', '-o', 'jsonpath={.spec.imagePullSecrets[*].name}'), 'true');
  remove('stranger', 'liar', 'guest', 'member');
});

test('another address for a registry is named by a hosts.toml', { skip }, async () => {
  const folder = join(server.dataFolder, 'agent', 'etc', 'certs.d', 'images.example');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'hosts.toml'),
    `server = "http://${open.host}"\n[host."http://${open.host}"]\ncapabilities = ["pull", "resolve"]\n`,
  );
  run('mirrored', 'images.example/tools/busybox:1');
  ready('mirrored');
  await untilEvent('mirrored', /^Normal Pulled 1 Successfully pulled image "images\.example\/tools\/busybox:1" /m);
  remove('mirrored');
});
