/** A cluster of three nodes: joining, being refused, pods and Services across them, and coming back. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { wherry } from '../../tools/server.ts';
import { eventually, missingForPods, type Server, startServer } from '../e2e/fixture.ts';
import { type Agent, makeAgent, makeBridge, serverAddress, tryToJoin } from './agents.ts';

const skip = missingForPods() ?? false;
const stack = new AsyncDisposableStack();
let server: Server;
let serverName: string;
let url: string;
let token: string;
let [first, second, stranger]: Agent[] = [];
before(async () => {
  if (skip) return;
  stack.use(makeBridge());
  const addresses = ['--node-ip', serverAddress, '--advertise-address', serverAddress];
  server = stack.use(await startServer({ node: true, args: addresses }));
  serverName = k('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
  url = server.url.replace('127.0.0.1', serverAddress);
  token = tokens('show');
  first = stack.use(makeAgent(1));
  second = stack.use(makeAgent(2));
  stranger = stack.use(makeAgent(3));
});
after(() => stack.disposeAsync());

const k = (...args: string[]) => server.kubectl(...args);
const sh = (pod: string, script: string) => k('exec', pod, '--', 'sh', '-c', script).trim();
/** `wherry token ...` on the server. */
function tokens(...args: string[]): string {
  const options = [
    '--data-dir',
    server.dataFolder,
    '--write-kubeconfig',
    server.kubeconfig,
    '--https-listen-port',
    new URL(server.url).port,
  ];
  const { status, stdout, stderr } = spawnSync(wherry, ['token', ...args, ...options], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}
const nodeReady = (name: string) => {
  k('wait', '--for=create', `node/${name}`, '--timeout=60s');
  k('wait', '--for=condition=Ready', `node/${name}`, '--timeout=60s');
};
const podOn = (node: string) => `web-${node}`;
/** Serves the name of its node, and something that takes many packets. */
const webPod = (node: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${podOn(node)}, labels: { app: web } }
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox:1
      command: [sh, -c, 'echo log of $NODE; mkdir /tmp/www; echo $NODE > /tmp/www/index.html; head -c 300000 /dev/zero > /tmp/www/large; httpd -f -p 8080 -h /tmp/www']
      env: [{ name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }]
      readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
`;
const ipOf = (pod: string) => k('get', 'pod', pod, '-o', 'jsonpath={.status.podIP}');

test('an agent joins with the token of the server, one with a token that was made for it', { skip }, () => {
  const folder = join(first!.dataFolder, 'agent', 'pod-manifests');
  mkdirSync(folder, { recursive: true });
  const spec = { containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', '1000'] }] };
  writeFileSync(
    join(folder, 'own.yaml'),
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'own' }, spec }),
  );
  first!.start({ server: url, token });
  second!.start({ server: url, token: tokens('create', '--ttl', '10m', '--description', 'for n2') });
  assert.match(tokens('list'), /for n2/);
  try {
    nodeReady('n1');
    nodeReady('n2');
    k('wait', '--for=create', 'pod/own-n1', '--timeout=30s');
    k('wait', '--for=condition=Ready', 'pod/own-n1', '--timeout=60s');
  } catch (error) {
    throw new Error(`${first!.log()}\n${second!.log()}`, { cause: error });
  }
  assert.match(k('get', 'nodes', '-o', 'wide'), /^n1 +Ready +<none> +\S+ +v1\.36\.\d+ +10\.98\.77\.11 /m);
  assert.equal(k('get', 'pod', 'own-n1', '-o', 'jsonpath={.metadata.ownerReferences[0].name}'), 'n1');
});

test('who must not join is told why in one line, before it has changed anything', { skip }, async () => {
  const refused = (what: string, told: RegExp, options: Record<string, string>) => {
    const all = { server: url, token, 'node-name': 'n3', ...options };
    const { status, said } = tryToJoin(
      stranger!,
      Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
    );
    assert.match(said, told, what);
    assert.equal(said.split('\n').length, 1, said);
    assert.equal(status, 1, what);
  };
  const [, hash] = /^K10([0-9a-f]{64})::/.exec(token) ?? [];
  refused('a wrong secret', /does not take this node: the token is not one of this server \(401\)/, {
    token: `K10${hash}::server:wrong`,
  });
  refused('another authority', /has another authority \(\w{12}\.\.\.\) than the token says \(0{12}\.\.\.\)/, {
    token: `K10${'0'.repeat(64)}::server:wrong`,
  });
  refused('no token', /token: not a join token/, { token: 'K10::' });
  refused('the name of another', /the node name n1 belongs to another machine; join under another --node-name/, {
    'node-name': 'n1',
  });
  refused('the name of the server', RegExp(`the node name ${serverName} belongs to another machine`), {
    'node-name': serverName,
  });
  refused('a bad name', /nodeName: "N_3" is not a node name/, { 'node-name': 'N_3' });
  const short = tokens('create', '--ttl', '1s');
  await new Promise(resolve => setTimeout(resolve, 1500));
  refused('a token that has expired', /the token is not one of this server \(401\)/, { token: short });
  assert.doesNotMatch(k('get', 'nodes'), /n3/);
});

test('pods reach each other across nodes, by address and by name', { skip }, () => {
  const nodes = [serverName, 'n1', 'n2'];
  server.apply(`${nodes.map(webPod).join('---')}---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`);
  k('wait', '--for=condition=Ready', 'pod', '-l', 'app=web', '--timeout=60s');
  const pods = nodes.map(podOn);
  for (const from of pods) {
    for (const [index, to] of pods.entries()) {
      const address = `http://${ipOf(to)}:8080`;
      assert.equal(sh(from, `timeout 5 wget -q -O - ${address}/`), nodes[index], `${from} to ${to}`);
      assert.equal(sh(from, `timeout 5 wget -q -O - ${address}/large | wc -c`), '300000', `${from} to ${to}`);
    }
    const answers = sh(
      from,
      'for i in $(seq 30); do timeout 5 wget -q -O - http://web.default.svc.cluster.local/; done',
    );
    assert.deepEqual([...new Set(answers.split('\n'))].sort(), [...nodes].sort(), `Service from ${from}`);
  }
});

test('a node port answers on every node, also for pods of others', { skip }, async () => {
  const port = k('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}');
  for (const address of [serverAddress, first!.address, second!.address]) {
    const seen = new Set<string>();
    for (let count = 0; count < 60 && seen.size < 3; count++) {
      const answer = await fetch(`http://${address}:${port}/`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(5000),
      });
      seen.add((await answer.text()).trim());
    }
    assert.equal(seen.size, 3, `${address}: ${[...seen]}`);
  }
});

test('logs, exec, port-forward and the node itself are reached through the API', { skip }, async () => {
  const pod = podOn('n1');
  assert.equal(k('logs', pod), 'log of n1\n');
  assert.equal(server.tryKubectl(['exec', '-i', pod, '--', 'cat'], 'through\n').stdout, 'through\n');
  assert.match(k('get', '--raw', '/api/v1/nodes/n2/proxy/pods'), new RegExp(podOn('n2')));
  const child = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'port-forward', `pod/${pod}`, ':8080'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const port = /:(\d+) ->/.exec(String(line))![1];
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text(), 'n1\n');
  child.kill();
  await once(child, 'exit');
});

test('an agent whose server is away starts with what it knows; all find each other again', { skip }, async () => {
  const pod = podOn('n1');
  const before = k('get', 'pod', pod, '-o', 'jsonpath={.status.containerStatuses[0].containerID}');
  await server.stop('SIGKILL');
  await first!.stop('SIGTERM');
  first!.start({ server: url, token });
  await eventually(
    'it goes on alone',
    () => /the server is away: starting with what it said before/.test(first!.log()),
    20,
  );
  await server.start();
  k('run', 'after', '--image=busybox:1', '--overrides={"spec":{"nodeName":"n1"}}', '--', 'sleep', '1000');
  k('wait', '--for=condition=Ready', 'pod/after', '--timeout=60s');
  k('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=30s');
  assert.equal(k('get', 'pod', pod, '-o', 'jsonpath={.status.containerStatuses[0].containerID}'), before);
  assert.equal(sh('after', `timeout 5 wget -q -O - http://${ipOf(podOn('n2'))}:8080/`), 'n2');
});

test('a node whose agent is killed is Unknown, its endpoints go, and it comes back with its pods', {
  skip,
}, async () => {
  const pod = podOn('n2');
  const idOf = () => k('get', 'pod', pod, '-o', 'jsonpath={.status.containerStatuses[0].containerID}');
  const before = idOf();
  await second!.stop('SIGKILL');
  const ready = '{.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].reason}';
  await eventually(
    'n2 is Unknown',
    () => k('get', 'node', 'n2', '-o', `jsonpath=${ready}`) === 'Unknown NodeStatusUnknown',
    70,
  );
  assert.match(k('get', 'nodes'), /^n2 +NotReady/m);
  assert.match(k('get', 'node', 'n2', '-o', 'jsonpath={.spec.taints[*].key}'), /node\.kubernetes\.io\/unreachable/);
  k('wait', '--for=condition=Ready=False', `pod/${pod}`, '--timeout=20s');
  await eventually(
    'only ready pods answer',
    () => {
      const answers = sh('after', 'for i in $(seq 20); do timeout 5 wget -q -O - http://web/; done');
      return !/n2/.test(answers);
    },
    20,
  );
  second!.start({ server: url, token });
  nodeReady('n2');
  k('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=30s');
  assert.equal(idOf(), before);
});
