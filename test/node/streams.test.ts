/** exec, attach, cp, port-forward and proxies through the API, in every protocol that clients speak. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import * as k8s from '@kubernetes/client-node';
import WebSocket from 'ws';
import { parse } from 'yaml';
import { missingForPods, type Server, startServer } from '../e2e/fixture.ts';

const missing = missingForPods();
let server: Server;

const web = `
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: default, labels: { app: web } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: c
      image: busybox:1
      command: [sh, -c]
      args:
        - |
          mkdir /tmp/www; echo served > /tmp/www/index.html
          # A WebSocket that greets, waits for a message of five bytes, and has got it.
          cat > /tmp/socket <<'END'
          end=$(printf '\\r')
          while read -r line && [ "$line" != "$end" ]; do
            case $line in [Ss]ec-[Ww]eb[Ss]ocket-[Kk]ey:*) key=\${line#*: }; key=\${key%$end};; esac
          done
          accept=$(printf '%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11' "$key" | busybox sha1sum | cut -c1-40 | busybox xxd -r -p | busybox base64)
          printf 'HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: %s\\r\\n\\r\\n' "$accept"
          printf '\\201\\005hello'
          head -c 11 >/dev/null
          printf '\\201\\003got'
          END
          nc -ll -p 9000 -e sh /tmp/socket &
          exec httpd -f -p 8080 -h /tmp/www
      ports: [{ name: http, containerPort: 8080 }]
      readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 }
---
apiVersion: v1
kind: Pod
metadata: { name: echo, namespace: default }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - { name: c, image: 'busybox:1', stdin: true, command: [sh, -c, 'while read line; do echo "said $line"; done; sleep 1000'] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: http }] }
`;

const environments = (name: string) => ['true', 'false'].map(value => ({ [name]: value }));

describe('streams', { skip: missing ?? false }, () => {
  before(async () => {
    server = await startServer({ node: true });
    server.apply(web);
    server.kubectl('wait', '--for=condition=Ready', 'pod/web', 'pod/echo', '--timeout=60s');
  });
  after(() => server?.[Symbol.asyncDispose]());

  for (const environment of environments('KUBECTL_REMOTE_COMMAND_WEBSOCKETS')) {
    test(`kubectl exec, attach and cp with ${JSON.stringify(environment)}`, async () => {
      const run = (args: string[], input?: string) => server.tryKubectl(args, input, environment);
      const both = run(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
      assert.deepEqual([both.stdout, both.status], ['out\n', 7]);
      assert.match(both.stderr, /^err\n/);
      const large = 'x'.repeat(3_000_000);
      assert.equal(run(['exec', '-i', 'web', '--', 'cat'], large).stdout, large);
      const local = join(server.dataFolder, 'sent');
      writeFileSync(local, large);
      assert.equal(run(['cp', local, 'web:/tmp/sent']).status, 0);
      assert.equal(run(['cp', 'web:/tmp/sent', `${local}.back`]).status, 0);
      assert.equal(readFileSync(`${local}.back`, 'utf8'), large);
      const attached = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'attach', '-i', 'echo'], {
        env: { ...process.env, ...environment },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      attached.stdin.write('hello\n');
      let seen = '';
      for await (const chunk of attached.stdout) {
        seen += chunk;
        if (seen.includes('said hello')) break;
      }
      attached.kill();
      assert.match(seen, /said hello\n/);
      const absent = run(['exec', 'web', '-c', 'nobody', '--', 'true']);
      assert.match(absent.stderr, /container nobody is not valid for pod web/);
    });
  }

  for (const environment of environments('KUBECTL_PORT_FORWARD_WEBSOCKETS')) {
    test(`kubectl port-forward with ${JSON.stringify(environment)}`, async () => {
      const child = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'port-forward', 'svc/web', ':80'], {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const [line] = await once(child.stdout, 'data');
        const url = `http://127.0.0.1:${/:(\d+) ->/.exec(String(line))![1]}/`;
        const answers = await Promise.all(Array.from({ length: 8 }, async () => (await fetch(url)).text()));
        assert.deepEqual(new Set(answers), new Set(['served\n']));
      } finally {
        child.kill();
        await once(child, 'exit');
      }
    });
  }

  test('@kubernetes/client-node forwards ports, attaches and runs commands', async () => {
    const config = new k8s.KubeConfig();
    config.loadFromFile(server.kubeconfig);
    const forward = new k8s.PortForward(config);
    const local = createServer(socket => void forward.portForward('default', 'web', [8080], socket, null, socket));
    local.listen(0, '127.0.0.1');
    await once(local, 'listening');
    try {
      const { port } = local.address() as { port: number };
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
      assert.equal(await answer.text(), 'served\n');
    } finally {
      local.close();
    }
    const [typed, out] = [new PassThrough(), new PassThrough()];
    const socket = await new k8s.Attach(config).attach('default', 'echo', 'c', out, null, typed, false);
    typed.write('again\n');
    const [said] = await once(out, 'data');
    assert.match(String(said), /said again/);
    (socket as { close(): void }).close();
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const over = Promise.withResolvers<k8s.V1Status>();
    const command = ['sh', '-c', 'echo to out; echo to err >&2; exit 3'];
    await new k8s.Exec(config).exec('default', 'web', 'c', command, stdout, stderr, null, false, over.resolve);
    const { reason, details } = await over.promise;
    assert.deepEqual([reason, details?.causes?.[0]?.message], ['NonZeroExitCode', '3']);
    assert.deepEqual([String(stdout.read()), String(stderr.read())], ['to out\n', 'to err\n']);
    const lines = new PassThrough();
    await new k8s.Log(config).log('default', 'echo', 'c', lines, { tailLines: 1 });
    assert.match(String((await once(lines, 'data'))[0]), /^said /);
  });

  test('a terminal has the size of its window, and input ends when the client says so', async () => {
    const exec = '/api/v1/namespaces/default/pods/web/exec';
    await using terminal = await connect(`${exec}?command=sh&stdin=true&stdout=true&tty=true`, 'v4.channel.k8s.io');
    const shows = (text: RegExp) =>
      terminal.until(messages => text.test(Buffer.concat(messages.map(message => message.subarray(1))).toString()));
    terminal.socket.send(Buffer.from('\x04{"Width":123,"Height":45}'));
    // The size may come after the question: it is asked until it is right.
    terminal.socket.send(Buffer.from('\0until stty size | grep "45 123"; do sleep 0.1; done\n'));
    await shows(/\r\n45 123\r\n/);
    terminal.socket.send(Buffer.from('\0exit 0\n'));
    await shows(/"status":"Success"/);

    await using reader = await connect(`${exec}?command=wc&command=-c&stdin=true&stdout=true`, 'v5.channel.k8s.io');
    reader.socket.send(Buffer.from('\0twelve bytes'));
    reader.socket.send(Buffer.from([255, 0]));
    const said = await reader.until(messages => messages.some(message => message[0] === 3 && message.length > 1));
    assert.deepEqual(
      said.filter(message => message[0] === 1 && message.length > 1).map(message => String(message.subarray(1))),
      ['12\n'],
    );
  });

  test('a log comes over a WebSocket', async () => {
    await using log = await connect(
      '/api/v1/namespaces/default/pods/echo/log?follow=true&tailLines=1',
      'base64.binary.k8s.io',
    );
    await log.until(messages =>
      messages.some(message => /^said /.test(Buffer.from(String(message), 'base64').toString())),
    );
  });

  const older: [protocol: string | undefined, isBase64: boolean][] = [
    [undefined, false],
    ['channel.k8s.io', false],
    ['base64.channel.k8s.io', true],
  ];
  for (const [protocol, isBase64] of older) {
    test(`a WebSocket that asks for ${protocol ?? 'no protocol'}`, async () => {
      const query = 'command=sh&command=-c&command=cat%3B%20exit%203&stdin=true&stdout=true';
      await using client = await connect(`/api/v1/namespaces/default/pods/web/exec?${query}`, protocol);
      assert.equal(client.socket.protocol, protocol ?? '');
      client.socket.send(isBase64 ? `0${Buffer.from('typed').toString('base64')}` : Buffer.from('\0typed'));
      const read = (message: Buffer): [number, string] =>
        isBase64
          ? [message[0]! - 48, Buffer.from(message.toString('latin1', 1), 'base64').toString()]
          : [message[0]!, message.toString('utf8', 1)];
      const seen = await client.until(messages => messages.map(read).some(([, words]) => words === 'typed'));
      assert.deepEqual(seen.map(read).at(-1), [1, 'typed']);
    });
  }

  test('the first protocols have words on their error channel', async () => {
    const query = 'command=sh&command=-c&command=exit%203&stdout=true';
    await using client = await connect(`/api/v1/namespaces/default/pods/web/exec?${query}`, 'channel.k8s.io');
    const seen = await client.until(messages => messages.some(message => message[0] === 3));
    assert.match(
      seen.find(message => message[0] === 3)!.toString('utf8', 1),
      /^command terminated with non-zero exit code/,
    );
  });

  test('channels of ports begin with the port, and wrong ports are refused', async () => {
    const path = '/api/v1/namespaces/default/pods/web/portforward';
    await using client = await connect(`${path}?ports=8080,8081`, 'v4.channel.k8s.io');
    const firsts = await client.until(messages => messages.length >= 4);
    assert.deepEqual(
      firsts.slice(0, 4).map(message => [...message]),
      [8080, 8080, 8081, 8081].map((port, channel) => [channel, port & 0xff, port >> 8]),
    );
    client.socket.send(Buffer.from('\0GET / HTTP/1.0\r\n\r\n'));
    const answered = await client.until(messages => messages.some(message => message.includes('served')));
    assert.equal(answered.find(message => message.includes('served'))![0], 0);
    const isError = (message: Buffer) => message[0] === 3 && message.length > 3;
    const failed = await client.until(messages => messages.some(isError));
    assert.match(String(failed.find(isError)), /8081|refused/);
    for (const query of ['', '?ports=x', '?ports=0', '?ports=70000']) {
      await assert.rejects(connect(`${path}${query}`, 'v4.channel.k8s.io'), /400/, query);
    }
  });

  test('a WebSocket of a pod is reached through the API server, and through kubectl proxy', async () => {
    const path = '/api/v1/namespaces/default/pods/web:9000/proxy/socket';
    await using direct = await connect(path, undefined);
    direct.socket.send('there');
    assert.deepEqual((await direct.until(messages => messages.length > 1)).map(String), ['hello', 'got']);
    const child = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'proxy', '--port=0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = await once(child.stdout, 'data');
      const socket = new WebSocket(`ws://${/127\.0\.0\.1:\d+/.exec(String(line))![0]}${path}`);
      const [hello] = await once(socket, 'message');
      socket.send('there');
      const [got] = await once(socket, 'message');
      assert.deepEqual([String(hello), String(got)], ['hello', 'got']);
      socket.terminate();
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  });

  test('pods, services and nodes are reached through kubectl proxy', async () => {
    const child = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'proxy', '--port=0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = await once(child.stdout, 'data');
      const base = `http://${/127\.0\.0\.1:\d+/.exec(String(line))![0]}/api/v1`;
      const node = server.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
      const paths = [
        'pods/web:8080/proxy/',
        'pods/web/proxy',
        'services/web:http/proxy/',
        'services/http:web:80/proxy/index.html',
      ];
      for (const path of paths) {
        assert.equal(await (await fetch(`${base}/namespaces/default/${path}`)).text(), 'served\n', path);
      }
      assert.equal(await (await fetch(`${base}/nodes/${node}/proxy/healthz`)).text(), 'ok');
      assert.equal((await fetch(`${base}/namespaces/default/pods/web:8080/proxy/none`)).status, 404);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  });
});

interface Client extends AsyncDisposable {
  readonly socket: WebSocket;
  /** All messages so far, once they are as wanted; rejects after ten seconds. */
  until(isRight: (messages: Buffer[]) => boolean): Promise<Buffer[]>;
}

async function connect(path: string, protocol: string | undefined): Promise<Client> {
  const config = parse(readFileSync(server.kubeconfig, 'utf8'));
  const bytes = (value: string) => Buffer.from(value, 'base64');
  const { user } = config.users[0];
  const socket = new WebSocket(`${server.url.replace('https', 'wss')}${path}`, protocol ? [protocol] : [], {
    ca: bytes(config.clusters[0].cluster['certificate-authority-data']),
    cert: bytes(user['client-certificate-data']),
    key: bytes(user['client-key-data']),
  });
  const messages: Buffer[] = [];
  let wake = () => undefined as void;
  socket.on('message', (data: Buffer) => {
    messages.push(Buffer.from(data));
    wake();
  });
  await once(socket, 'open');
  return {
    socket,
    async until(isRight) {
      const deadline = AbortSignal.timeout(10_000);
      while (!isRight(messages)) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        wake = resolve;
        deadline.addEventListener('abort', () => reject(new Error(`no more than ${messages.map(String)}`)), {
          once: true,
        });
        await promise;
      }
      return messages;
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}
