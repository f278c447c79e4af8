/** What a Service can say, with real packets and names: from pods, from the node, through kubectl. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, skip, startWords, type Words } from './cluster.ts';

let w: Words;
let node = '';
before(async () => {
  if (skip) return;
  w = await startWords();
  w.applyFile('services');
  w.ready('client', 'box', 'one', 'two');
  node = w.field('pod/one', '{.status.hostIP}');
});
after(async () => {
  await w?.server[Symbol.asyncDispose]();
});

const box = (script: string) => w.sh('box', script);
const get = (url: string) => box(`timeout 5 wget -q -O - ${url} 2>&1; true`);
const ask = (host: string, port: number | string) => python('client', '/code/ask.py', host, `${port}`);
const python = (pod: string, ...args: string[]) => w.k('exec', pod, '--', 'python3', ...args).trim();
const many = (url: string, count = 20) =>
  new Set(box(`for i in $(seq ${count}); do timeout 5 wget -q -O - ${url}; done`).split('\n'));
const both = new Set(['one', 'two']);
const port = (service: string, name = '') =>
  w.field(`svc/${service}`, `{.spec.ports${name ? `[?(@.name=="${name}")]` : '[0]'}.nodePort}`);
const addressOf = (pod: string) => w.field(`pod/${pod}`, '{.status.podIP}');

test('a Service spreads over its pods, by name and by short name, on each of its ports', { skip }, () => {
  assert.deepEqual(many('http://web/'), both);
  assert.deepEqual(many('http://web.default:81/'), both);
  assert.deepEqual(many('http://web.default.svc.cluster.local.:80/'), both);
});

test('a pod sees the address of the pod that asks', { skip }, () => {
  assert.equal(get('http://web/from'), addressOf('box'));
});

test('UDP works through a Service', { skip }, () => {
  assert.match(ask('web', 90), /^(one|two) hi$/);
});

test('session affinity keeps a client with one pod', { skip }, () => {
  assert.equal(many('http://sticky/', 15).size, 1);
});

test('a headless Service names its pods', { skip }, () => {
  const lookup = (name: string) => box(`nslookup ${name} 2>&1; true`);
  const all = lookup('named.default.svc.cluster.local');
  for (const pod of ['one', 'two']) {
    assert.ok(all.includes(`Address: ${addressOf(pod)}`), all);
    assert.ok(lookup(`${pod}.named.default.svc.cluster.local`).includes(`Address: ${addressOf(pod)}`));
  }
  assert.equal(get('http://two.named:8080/'), 'two');
  assert.match(lookup('three.named.default.svc.cluster.local'), /NXDOMAIN/);
  const reverse = lookup(addressOf('one'));
  assert.match(reverse, /name = one\.named\.default\.svc\.cluster\.local/);
});

test('SRV records tell ports and hosts', { skip }, () => {
  const srv = (name: string) => box(`nslookup -type=srv ${name} 2>&1; true`);
  assert.match(srv('_http._tcp.web.default.svc.cluster.local'), /service = 0 100 80 web\.default\.svc\.cluster\.local/);
  const headless = srv('_echo._udp.named.default.svc.cluster.local');
  assert.match(headless, /service = 0 50 9000 one\.named\.default\.svc\.cluster\.local/);
  assert.match(headless, /service = 0 50 9000 two\.named\.default\.svc\.cluster\.local/);
});

test('an ExternalName is an alias', { skip }, () => {
  assert.match(box('nslookup outer.default.svc.cluster.local'), /canonical name = web\.default\.svc\.cluster\.local/);
  assert.match(get('http://outer/'), /^(one|two)$/);
});

test('names that are not there fail at once', { skip }, () => {
  const started = performance.now();
  assert.match(box('nslookup no-such.default.svc.cluster.local 2>&1; true'), /NXDOMAIN/);
  assert.match(get('http://no-such-service/'), /bad address/);
  assert.ok(performance.now() - started < 8000);
});

test('node ports answer on the node and on loopback, TCP and UDP', { skip }, async () => {
  for (const host of [node, '127.0.0.1']) {
    const answer = await fetch(`http://${host}:${port('web', 'http')}/`);
    assert.match(await answer.text(), /^(one|two)\n$/);
  }
  assert.match(get(`http://${node}:${port('web', 'admin')}/`), /^(one|two)$/);
  assert.match(await askFromHere(node, Number(port('web', 'echo'))), /^(one|two) hi$/);
});

test('host ports answer, TCP and UDP', { skip }, async () => {
  for (const host of [node, '127.0.0.1']) {
    assert.equal(await (await fetch(`http://${host}:18080/`)).text(), 'one\n');
  }
  assert.equal(get(`http://${node}:18080/`), 'one');
  assert.equal(await askFromHere(node, 19000), 'one hi');
});

async function askFromHere(host: string, to: number): Promise<string> {
  const socket = createSocket('udp4');
  socket.send('hi', to, host);
  const late = setTimeout(() => socket.emit('error', new Error(`no answer from ${host}:${to}`)), 3000);
  try {
    const [answer] = await once(socket, 'message');
    return String(answer);
  } finally {
    clearTimeout(late);
    socket.close();
  }
}

/** A machine beside the node: a network namespace with an address that no route of the cluster knows. */
async function withNeighbour(use: (run: (...command: string[]) => Promise<string>) => Promise<void>): Promise<void> {
  const name = `wt-${process.pid}`;
  const ip = (text: string) => execFileSync('ip', text.split(' '));
  ip(`netns add ${name}`);
  try {
    ip(`link add ${name} type veth peer name eth0 netns ${name}`);
    ip(`addr add ${gateway}/30 dev ${name}`);
    ip(`link set ${name} up`);
    for (const part of [`addr add ${neighbour}/30 dev eth0`, 'link set eth0 up', `route add default via ${gateway}`]) {
      ip(`-n ${name} ${part}`);
    }
    await use(async (...command) => {
      const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', name, ...command], { timeout: 10_000 });
      return stdout.trim();
    });
  } finally {
    ip(`netns delete ${name}`);
  }
}
const [gateway, neighbour] = ['198.51.100.1', '198.51.100.2'];

test('a machine outside uses node ports; with Local policy the server sees who asks', { skip }, async () => {
  assert.equal(get('http://local/from'), addressOf('box'));
  await withNeighbour(async run => {
    const curl = (service: string) => run('curl', '-s', '-m', '5', `http://${node}:${port(service)}/from`);
    assert.equal(await curl('local'), neighbour);
    assert.notEqual(await curl('web'), neighbour);
  });
});

test('to a machine outside a pod has the address of the node', { skip }, async () => {
  await withNeighbour(async run => {
    const program = "import socket; s = socket.create_server(('0.0.0.0', 7000)); print(s.accept()[1][0])";
    const seen = run('timeout', '8', 'python3', '-c', program);
    await eventually(
      'it is asked',
      () => box(`timeout 2 nc ${neighbour} 7000 < /dev/null && echo yes; true`) === 'yes',
      8,
    );
    assert.equal(await seen, gateway);
  });
});

test('a pod reaches itself through its Service', { skip }, () => {
  const program = "import urllib.request; print(urllib.request.urlopen('http://hairpin/', timeout=3).read().decode())";
  assert.equal(python('one', '-c', program), 'one');
});

test('a Service without pods refuses at once', { skip }, async () => {
  assert.match(get('http://empty/'), /Connection refused/);
  await assert.rejects(fetch(`http://${node}:${port('empty')}/`), ({ cause }) => cause.code === 'ECONNREFUSED');
});

test('a pod that is not ready is not served, unless the Service publishes it', { skip }, () => {
  assert.match(get('http://late/'), /Connection refused/);
  assert.equal(get('http://early/'), 'never-ready');
  const conditions = '{.items[0].endpoints[0].conditions}';
  const slice = (name: string) =>
    w.k('get', 'endpointslices', '-l', `kubernetes.io/service-name=${name}`, '-o', `jsonpath=${conditions}`);
  assert.deepEqual(JSON.parse(slice('late')), { ready: false, serving: false, terminating: false });
  assert.deepEqual(JSON.parse(slice('early')), { ready: true, serving: false, terminating: false });
});

test('endpoints are written by hand for a Service without selector', { skip }, async () => {
  const endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'by-hand' } };
  const subsets = [{ addresses: [{ ip: addressOf('two') }], ports: [{ port: 8080 }] }];
  w.server.apply(JSON.stringify({ ...endpoints, subsets }));
  await eventually('the mirror is followed', () => get('http://by-hand/') === 'two', 20);
});

test('endpoints come and go with labels', { skip }, async () => {
  w.k('label', 'pod', 'two', 'app=other', '--overwrite');
  await eventually('one is left', () => many('http://web/', 8).size === 1, 20);
  assert.deepEqual(many('http://web/'), new Set(['one']));
  w.k('label', 'pod', 'two', 'app=web', '--overwrite');
  await eventually('it is back', () => many('http://web/', 12).size === 2, 20);
});

test('port-forward to a Service goes to one of its pods', { skip }, async () => {
  const child = spawn('kubectl', ['--kubeconfig', w.server.kubeconfig, 'port-forward', 'svc/web', ':http'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const answer = await fetch(`http://127.0.0.1:${/:(\d+) -> 8080/.exec(String(line))![1]}/`);
  assert.match(await answer.text(), /^(one|two)\n$/);
  child.kill();
  await once(child, 'exit');
});

test('the API server is a way to Services and pods', { skip }, async () => {
  const raw = (path: string) => w.k('get', '--raw', `/api/v1/namespaces/default/${path}`);
  assert.match(raw('services/web:http/proxy/'), /^(one|two)\n$/);
  assert.match(raw('services/http:web:81/proxy/'), /^(one|two)\n$/);
  assert.equal(raw('pods/two:8081/proxy/'), 'two\n');
  assert.match(
    w.server.tryKubectl(['get', '--raw', '/api/v1/namespaces/default/services/empty/proxy/']).stderr,
    /no endpoints available for service "empty"/,
  );
  const child = spawn('kubectl', ['--kubeconfig', w.server.kubeconfig, 'proxy', '--port=0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const at = /127\.0\.0\.1:\d+/.exec(String(line))![0];
  const answer = await fetch(`http://${at}/api/v1/namespaces/default/services/web:http/proxy/`);
  assert.match(await answer.text(), /^(one|two)\n$/);
  child.kill();
  await once(child, 'exit');
});

test('pods reach the API server by its Service', { skip }, () => {
  const program =
    "import ssl, urllib.request; print(urllib.request.urlopen('https://kubernetes.default/readyz', context=ssl._create_unverified_context(), timeout=5).read().decode())";
  assert.equal(python('client', '-c', program), 'ok');
});
