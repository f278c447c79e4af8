/** Real containers through real kubectl: running, looking in, restarting, Services and DNS. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, missingForPods, type Server, startServer } from './fixture.ts';

const skip = missingForPods() ?? false;
let server: Server;
before(async () => {
  if (!skip) server = await startServer({ node: true });
});
after(async () => {
  if (!skip) await server[Symbol.asyncDispose]();
});

const k = (...args: string[]) => server.kubectl(...args);
const pod = (name: string, script: string, more = '') => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox:1
      command: [sh, -c, ${JSON.stringify(script)}]
${more}`;
const ready = (name: string) => k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');

test('a pod runs, shows its logs, and its state in columns', { skip }, () => {
  server.apply(pod('hello', 'echo out; echo err >&2; sleep 1000'));
  ready('hello');
  assert.match(k('get', 'pod', 'hello', '-o', 'wide'), /^hello +1\/1 +Running +0 +\d+s +10\.42\.\d+\.\d+ +\S+/m);
  assert.deepEqual(k('logs', 'hello').trim().split('\n').sort(), ['err', 'out']);
  assert.match(k('logs', 'hello', '--timestamps', '--tail=1'), /^\d{4}-\d\d-\d\dT[\d:.]+Z \w+\n$/);
  assert.match(k('logs', '-l', 'app=hello', '--prefix'), /^\[pod\/hello\/main\] out$/m);
  assert.equal(k('logs', 'hello', '--since=1h', '-c', 'main').split('\n').length, 3);
  assert.match(k('describe', 'pod', 'hello'), /Started +.*[Cc]ontainer/);
});

test('following a log ends with the container', { skip }, async () => {
  server.apply(pod('counter', 'for i in 1 2 3; do echo $i; sleep 0.3; done', '  restartPolicy: Never'));
  k('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/counter', '--timeout=60s');
  assert.equal(k('logs', '-f', 'counter'), '1\n2\n3\n');
  assert.match(k('get', 'pod', 'counter'), /Completed/);
});

test('exec runs a command, passes input, and gives its exit code', { skip }, () => {
  assert.equal(k('exec', 'hello', '--', 'echo', 'hi'), 'hi\n');
  assert.equal(server.tryKubectl(['exec', '-i', 'hello', '--', 'cat'], 'through\n').stdout, 'through\n');
  const failed = server.tryKubectl(['exec', 'hello', '--', 'sh', '-c', 'exit 3']);
  assert.match(failed.stderr, /exit code 3/);
  assert.equal(failed.status, 3);
});

test('exec with a terminal knows its size, and follows it', { skip }, async () => {
  const inside = 'sleep 1; stty size; sleep 2; stty size';
  const script = `stty rows 20 cols 90; (sleep 2; stty rows 33 cols 77 </dev/tty) & kubectl --kubeconfig ${server.kubeconfig} exec -it hello -- sh -c '${inside}'`;
  const child = spawn('script', ['-qec', script, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', chunk => {
    printed += chunk;
  });
  await once(child, 'exit');
  assert.match(printed, /20 90\r\n33 77/);
});

test('attach sees what the container says from now on', { skip }, async () => {
  server.apply(pod('talker', 'while :; do echo tick; sleep 0.2; done'));
  ready('talker');
  const child = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'attach', 'talker'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [chunk] = await once(child.stdout, 'data');
  child.kill();
  await once(child, 'exit');
  assert.match(String(chunk), /tick/);
});

test('cp carries files both ways', { skip }, () => {
  const local = join(server.dataFolder, 'copied.txt');
  writeFileSync(local, 'content');
  k('cp', local, 'hello:/tmp/there.txt');
  assert.equal(k('exec', 'hello', '--', 'cat', '/tmp/there.txt'), 'content');
  k('cp', 'hello:/tmp/there.txt', `${local}.back`);
  assert.equal(readFileSync(`${local}.back`, 'utf8'), 'content');
});

test('port-forward reaches the pod', { skip }, async () => {
  server.apply(pod('web', 'mkdir -p /tmp/www; echo served > /tmp/www/index.html; httpd -f -p 8080 -h /tmp/www'));
  ready('web');
  const child = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'port-forward', 'pod/web', ':8080'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const port = /:(\d+) ->/.exec(String(line))![1];
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(await answer.text(), 'served\n');
  child.kill();
  await once(child, 'exit');
});

test('a container that ends is started again; the log of the one before is kept', { skip }, () => {
  server.apply(pod('flaky', 'echo life; exit 1'));
  eventuallyRestarted('flaky');
  assert.equal(k('logs', '--previous', 'flaky'), 'life\n');
  assert.match(k('get', 'events', '--field-selector', 'involvedObject.name=flaky'), /BackOff/);
  k('delete', 'pod', 'flaky', '--now');
});

function eventuallyRestarted(name: string): void {
  k(
    'wait',
    '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff',
    `pod/${name}`,
    '--timeout=60s',
  );
}

test('init containers run first, sidecars stay', { skip }, () => {
  server.apply(`
apiVersion: v1
kind: Pod
metadata: { name: staged }
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{ name: shared, emptyDir: {} }]
  initContainers:
    - { name: first, image: 'busybox:1', command: [sh, -c, 'echo one > /shared/log'], volumeMounts: [{ name: shared, mountPath: /shared }] }
    - { name: side, image: 'busybox:1', restartPolicy: Always, command: [sh, -c, 'echo two >> /shared/log; sleep 1000'], volumeMounts: [{ name: shared, mountPath: /shared }] }
  containers:
    - { name: main, image: 'busybox:1', command: [sh, -c, 'cat /shared/log; sleep 1000'], volumeMounts: [{ name: shared, mountPath: /shared }] }
`);
  ready('staged');
  assert.match(k('get', 'pod', 'staged'), /^staged +2\/2 +Running/m);
  assert.match(k('logs', 'staged', '-c', 'main'), /^one\n/);
  assert.match(k('logs', 'staged', '--all-containers'), /one/);
});

test('configuration arrives as files and environment, and files follow changes', { skip }, async () => {
  k('create', 'configmap', 'settings', '--from-literal=color=green');
  k('create', 'secret', 'generic', 'key', '--from-literal=password=hush');
  server.apply(`
apiVersion: v1
kind: Pod
metadata: { name: configured, labels: { app: configured } }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox:1
      command: [sleep, "1000"]
      env:
        - { name: PASSWORD, valueFrom: { secretKeyRef: { name: key, key: password } } }
        - { name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
      envFrom: [{ configMapRef: { name: settings } }]
      volumeMounts:
        - { name: settings, mountPath: /settings }
        - { name: labels, mountPath: /labels }
  volumes:
    - { name: settings, configMap: { name: settings } }
    - { name: labels, downwardAPI: { items: [{ path: labels, fieldRef: { fieldPath: metadata.labels } }] } }
`);
  ready('configured');
  assert.equal(
    k('exec', 'configured', '--', 'sh', '-c', 'echo $PASSWORD $color; cat /settings/color /labels/labels'),
    'hush green\ngreenapp="configured"',
  );
  k('patch', 'configmap', 'settings', '-p', '{"data":{"color":"blue"}}');
  await eventually('the file follows', () => k('exec', 'configured', '--', 'cat', '/settings/color') === 'blue', 90);
});

test('a pod speaks to the API with its own token, and knows the server by its authority', { skip }, () => {
  const program = `
import json, ssl, urllib.request, urllib.error
folder = '/var/run/secrets/kubernetes.io/serviceaccount/'
token = open(folder + 'token').read()
namespace = open(folder + 'namespace').read()
url = f'https://kubernetes.default.svc/api/v1/namespaces/{namespace}/pods'
request = urllib.request.Request(url, headers={'Authorization': 'Bearer ' + token})
try:
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=folder + 'ca.crt')) as answer:
        print(answer.status, len(json.load(answer)['items']) > 0)
except urllib.error.HTTPError as error:
    print(error.code, json.load(error)['message'])
`;
  k('create', 'configmap', 'caller', `--from-literal=call.py=${program}`);
  server.apply(`
apiVersion: v1
kind: Pod
metadata: { name: caller }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - { name: main, image: 'shop/api:1', command: [python3, -c, 'import time; time.sleep(1000)'], volumeMounts: [{ name: code, mountPath: /code }] }
  volumes: [{ name: code, configMap: { name: caller } }]
`);
  ready('caller');
  const call = () => k('exec', 'caller', '--', 'python3', '/code/call.py');
  const forbidden =
    '403 pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"\n';
  assert.equal(call(), forbidden);
  k('create', 'rolebinding', 'reader', '--clusterrole=view', '--serviceaccount=default:default');
  assert.equal(call(), '200 True\n');
  k('delete', 'rolebinding', 'reader');
  assert.equal(call(), forbidden);
});

test('Services answer by name, address and node port, and follow their pods', { skip }, async () => {
  server.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: site }
spec:
  replicas: 3
  selector: { matchLabels: { app: site } }
  template:
    metadata: { labels: { app: site } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: busybox:1
          command: [sh, -c, 'mkdir /tmp/www; hostname > /tmp/www/index.html; httpd -f -p 8080 -h /tmp/www']
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: site }
spec: { type: NodePort, selector: { app: site }, ports: [{ port: 80, targetPort: http }] }
`);
  k('rollout', 'status', 'deploy/site', '--timeout=90s');
  const fetchAll = () => k('exec', 'hello', '--', 'sh', '-c', 'for i in $(seq 30); do wget -q -O - http://site/; done');
  await eventually('three pods answer', () => new Set(fetchAll().trim().split('\n')).size === 3, 30);
  const port = k('get', 'svc', 'site', '-o', 'jsonpath={.spec.ports[0].nodePort}');
  const address = k('get', 'nodes', '-o', 'jsonpath={.items[0].status.addresses[0].address}');
  const answer = await fetch(`http://${address}:${port}/`);
  assert.match(await answer.text(), /^site-/);
  k('scale', 'deploy/site', '--replicas=1');
  k('wait', '--for=jsonpath={.status.replicas}=1', 'deploy/site', '--timeout=60s');
  await eventually('one pod answers', () => new Set(fetchAll().trim().split('\n')).size === 1, 30);
});

test('a pod reaches itself through its Service', { skip }, async () => {
  const names = () => k('get', 'pods', '-l', 'app=site', '-o', 'jsonpath={.items[*].metadata.name}').split(' ');
  const [name] = await eventually('the others are gone', () => names().length === 1 && names(), 30);
  assert.equal(k('exec', name!, '--', 'timeout', '5', 'wget', '-q', '-O', '-', 'http://site/').trim(), name);
});

test('names resolve: services, pods of a headless service, reverse', { skip }, () => {
  const lookup = (name: string) => k('exec', 'hello', '--', 'nslookup', name);
  assert.match(lookup('kubernetes.default.svc.cluster.local'), /10\.43\.0\.1/);
  assert.match(lookup('10.43.0.1'), /kubernetes\.default\.svc\.cluster\.local/);
});

test('a Job completes', { skip }, () => {
  k('create', 'job', 'once', '--image=busybox:1', '--', 'true');
  k('wait', '--for=condition=complete', 'job/once', '--timeout=60s');
  assert.match(k('get', 'job', 'once'), /^once +Complete +1\/1/m);
});

test('a missing image is said, and a name that must not be pulled too', { skip }, () => {
  server.apply(pod('absent', 'true').replace('busybox:1', 'localhost:1/nothing:1'));
  k(
    'wait',
    '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff',
    'pod/absent',
    '--timeout=60s',
  );
  server.apply(pod('never', 'true', '').replace('image: busybox:1', 'image: nothing:1\n      imagePullPolicy: Never'));
  k(
    'wait',
    '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImageNeverPull',
    'pod/never',
    '--timeout=60s',
  );
  k('delete', 'pod', 'absent', 'never', '--now');
});

test('run, and an update that rolls', { skip }, () => {
  k('run', 'quick', '--image=busybox:1', '--restart=Never', '--', 'echo', 'ran');
  k('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/quick', '--timeout=60s');
  assert.equal(k('logs', 'quick'), 'ran\n');
  k('set', 'env', 'deploy/site', 'A=1');
  assert.match(k('rollout', 'status', 'deploy/site', '--timeout=90s'), /successfully rolled out/);
});

test('pods go on while the server is killed and started again', { skip }, async () => {
  const before = k('get', 'pod', 'hello', '-o', 'jsonpath={.status.containerStatuses[0].containerID}');
  await server.stop('SIGKILL');
  await server.start();
  await eventually('the pod is Ready again', () => / 1\/1 +Running +0 /.test(k('get', 'pod', 'hello')), 30);
  assert.equal(k('get', 'pod', 'hello', '-o', 'jsonpath={.status.containerStatuses[0].containerID}'), before);
  assert.equal(k('exec', 'hello', '--', 'echo', 'still'), 'still\n');
});

test('a deleted pod is gone, and its address is free', { skip }, () => {
  k('delete', 'pod', 'hello', '--timeout=60s');
  assert.match(server.tryKubectl(['get', 'pod', 'hello']).stderr, /NotFound/);
});
