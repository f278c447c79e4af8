/** Clients that people use, from packages, each against a real server: they create, watch, patch and delete real things. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import * as k8s from '@kubernetes/client-node';
import { root } from '../../tools/server.ts';
import { missingForPods, type Server, startServer } from '../e2e/fixture.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of other programs
type Json = any;

let server: Server;
const hasPods = missingForPods() === undefined;
before(async () => {
  server = await startServer({ node: hasPods });
});
after(() => server?.[Symbol.asyncDispose]());

const python = '/usr/bin/python3';
const has = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

/** Runs a program without holding up the others; fails the test when it fails. */
async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn(command, args, { env: { ...process.env, ...env } });
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await closed;
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
  const untilMs = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > untilMs) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}

describe('clients', { concurrency: 3 }, () => {
  test("Debian's python3-kubernetes", async t => {
    if (!has(python, '-c', 'import kubernetes')) return t.skip('needs the package python3-kubernetes');
    const program = join(import.meta.dirname, 'python_client.py');
    const printed = await run(python, [program, server.kubeconfig, 'by-python', hasPods ? 'pods' : 'none']);
    const steps = printed
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    const wanted = [
      { step: 'create', name: 'one', data: { x: '1' } },
      { step: 'conflict', status: 409, reason: 'AlreadyExists' },
      { step: 'list', names: ['one'] },
      { step: 'patch', data: { x: '1', y: '2' } },
      { step: 'replace', data: { z: '3' } },
      { step: 'watch', types: ['MODIFIED', 'MODIFIED', 'DELETED'] },
      { step: 'pages', sizes: [2, 2, 1] },
      { step: 'scale', replicas: 2 },
      ...(hasPods ? [{ step: 'exec', out: 'out\n', err: 'err\n', code: 3 }] : []),
      { step: 'review', allowed: true },
      { step: 'groups', found: true },
      { step: 'gone' },
    ];
    assert.deepEqual(steps, wanted);
  });

  test("Ansible's kubernetes.core", async t => {
    if (!has('ansible-playbook', '--version')) return t.skip('needs the package ansible');
    const play = (name: string, colour: string) => {
      const variables = JSON.stringify({ kubeconfig: server.kubeconfig, colour });
      const env = {
        ANSIBLE_NOCOLOR: '1',
        ANSIBLE_LOCALHOST_WARNING: 'False',
        LC_ALL: 'C.UTF-8',
        HOME: server.dataFolder,
      };
      return run('ansible-playbook', ['-e', variables, join(import.meta.dirname, name)], env);
    };
    const changes = (printed: string) => Number(/changed=(\d+)/.exec(printed)?.[1]);
    assert.equal(changes(await play('playbook.yaml', 'red')), 3);
    assert.equal(changes(await play('playbook.yaml', 'red')), 0);
    assert.equal(changes(await play('playbook.yaml', 'blue')), 1);
    assert.equal(changes(await play('remove.yaml', '')), 1);
  });

  test('@kubernetes/client-node: informer, patches, logs, exec', async t => {
    const config = new k8s.KubeConfig();
    config.loadFromFile(server.kubeconfig);
    const core = config.makeApiClient(k8s.CoreV1Api);
    const objects = k8s.KubernetesObjectApi.makeApiClient(config);
    const namespace = 'by-node';
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    const seen: string[] = [];
    const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'a=b' });
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'a=b');
    for (const verb of ['add', 'update', 'delete'] as const) {
      informer.on(verb, object => void seen.push(`${verb} ${object.metadata?.name} ${object.data?.['x']}`));
    }
    await informer.start();
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'one', namespace, labels: { a: 'b' } },
      data: { x: '1' },
    };
    await objects.create(body);
    await objects.patch(
      { ...body, data: { x: '2' } },
      undefined,
      undefined,
      'me',
      true,
      k8s.PatchStrategy.ServerSideApply,
    );
    await objects.delete(body);
    await eventually('the informer has seen all', async () => seen.length >= 3);
    await informer.stop();
    assert.deepEqual(seen, ['add one 1', 'update one 2', 'delete one 2']);
    if (!hasPods) return t.diagnostic('no pods here: logs and exec are left out');

    const spec = {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'c', image: 'busybox:1', command: ['sh', '-c', 'echo hello; sleep 1000'] }],
    };
    await core.createNamespacedPod({ namespace, body: { metadata: { name: 'p' }, spec } });
    await eventually(
      'the pod runs',
      async () => (await core.readNamespacedPod({ namespace, name: 'p' })).status?.phase === 'Running',
    );
    await eventually('its log', async () => (await core.readNamespacedPodLog({ namespace, name: 'p' })) === 'hello\n');
    const [out, err] = [new PassThrough(), new PassThrough()];
    const { promise, resolve } = Promise.withResolvers<k8s.V1Status>();
    await new k8s.Exec(config).exec(
      namespace,
      'p',
      'c',
      ['sh', '-c', 'cat; exit 4'],
      out,
      err,
      new PassThrough().end('typed'),
      false,
      resolve,
    );
    const status = await promise;
    assert.equal(status.details?.causes?.find(cause => cause.reason === 'ExitCode')?.message, '4');
    assert.equal(out.read()?.toString(), 'typed');
    await core.deleteNamespace({ name: namespace });
  });

  test('Prometheus from Debian discovers nodes, pods, services, endpoints and ingresses, and scrapes the API', async t => {
    if (!has('prometheus', '--version')) return t.skip('needs the package prometheus');
    await prometheus();
  });

  test('kubectl 1.20 from Debian', async t => {
    const kubectl = await oldKubectl();
    if (!kubectl) return t.skip('the package kubernetes-client cannot be had here');
    await withOldKubectl(kubectl);
  });
});

/** Debian builds it without discovery in Kubernetes: it scrapes the API server and the node's agent as it is told to, with a token of a service account. */
async function prometheus(): Promise<void> {
  const namespace = 'by-prometheus';
  server.kubectl('create', 'namespace', namespace);
  const folder = join(server.dataFolder, 'prometheus');
  mkdirSync(folder);
  writeFileSync(join(folder, 'token'), server.kubectl('-n', namespace, 'create', 'token', 'default').trim());
  const binding = ['--clusterrole=system:monitoring', `--serviceaccount=${namespace}:default`];
  server.kubectl('create', 'clusterrolebinding', 'scrapes', ...binding);
  const job = {
    ...{ job_name: 'api', scheme: 'https', scrape_interval: '1s', tls_config: { insecure_skip_verify: true } },
    authorization: { credentials_file: join(folder, 'token') },
    static_configs: [{ targets: [new URL(server.url).host] }],
  };
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ scrape_configs: [job] }));
  const port = await freePort();
  const storage = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  const child = spawn('prometheus', [...storage, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log = text(child.stderr);
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`).catch(() => undefined);
    return answer?.ok ? ((await answer.json()) as { data: Json }).data : undefined;
  };
  try {
    await eventually('the API is scraped', async () => (await ask('targets'))?.activeTargets[0]?.health === 'up');
    // A target is up a moment before what it said can be asked for.
    await eventually('requests are counted', async () => {
      const requests = await ask(`query?query=${encodeURIComponent('sum by (verb) (apiserver_request_total)')}`);
      return requests.result.some((one: Json) => one.metric.verb === 'LIST');
    });
    // As the usual rules ask: without buckets and their bounds there is no answer.
    const quantile = 'histogram_quantile(0.99, sum by (le) (apiserver_request_duration_seconds_bucket))';
    const p99 = await ask(`query?query=${encodeURIComponent(quantile)}`);
    assert.ok(Number(p99.result[0].value[1]) > 0);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${(error as Error).message}\n${(await log).slice(-2000)}`, { cause: error });
  } finally {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  return port;
}

/** Debian 12's own kubectl, out of its package and not installed. */
async function oldKubectl(): Promise<string | undefined> {
  const folder = join(root, 'build', 'kubectl-1.20');
  const path = join(folder, 'usr', 'bin', 'kubectl');
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  if (spawnSync('apt-get', ['download', 'kubernetes-client'], { cwd: folder }).status !== 0) return undefined;
  const archive = readdirSync(folder).find(name => name.endsWith('.deb'));
  await run('dpkg', ['-x', join(folder, archive!), folder]);
  return path;
}

async function withOldKubectl(kubectl: string): Promise<void> {
  const k = (...args: string[]) =>
    run(kubectl, ['--kubeconfig', server.kubeconfig, ...args], {
      KUBECACHEDIR: join(server.dataFolder, 'old-cache'),
      HOME: server.dataFolder,
    });
  assert.match(await k('version', '--short'), /Client Version: v1\.20/);
  await k('create', 'namespace', 'by-old');
  const n = (...args: string[]) => k('-n', 'by-old', ...args);
  const file = join(server.dataFolder, 'old.yaml');
  const labels = { app: 'web' };
  const container = { name: 'web', image: 'busybox:1', command: ['sh', '-c', 'echo ready; sleep 1000'] };
  const deployment = (colour: string) =>
    JSON.stringify({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', labels: { colour } } },
      spec: {
        ...{ replicas: hasPods ? 1 : 0, selector: { matchLabels: labels } },
        template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
      },
    });
  writeFileSync(file, deployment('red'));
  assert.match(await n('apply', '-f', file), /web created/);
  assert.match(await n('apply', '-f', file), /web unchanged/);
  writeFileSync(file, deployment('blue'));
  assert.match(await n('apply', '-f', file), /web configured/);
  assert.match(await n('apply', '-f', file, '--server-side', '--force-conflicts'), /web serverside-applied/);
  assert.match(await n('get', 'deployment', '-L', 'colour'), /web +\d\/\d .*blue/);
  assert.match(await n('describe', 'deployment', 'web'), /^Replicas: /m);
  assert.match(await n('explain', 'deployment.spec.replicas'), /FIELD: +replicas <integer>/);
  assert.match(await n('auth', 'can-i', 'delete', 'nodes'), /yes/);
  if (hasPods) {
    await n('rollout', 'status', 'deployment/web', '--timeout=60s');
    // Before 1.29 kubectl streams over SPDY only.
    assert.equal(await n('exec', 'deployment/web', '--', 'echo', 'hello'), 'hello\n');
    assert.equal(await n('logs', 'deployment/web'), 'ready\n');
    writeFileSync(join(server.dataFolder, 'copied'), 'content');
    const pod = (await n('get', 'pods', '-o', 'name')).trim().replace('pod/', '');
    await n('cp', join(server.dataFolder, 'copied'), `${pod}:/tmp/copied`);
    assert.equal(await n('exec', pod, '--', 'cat', '/tmp/copied'), 'content');
  }
  await k('delete', 'namespace', 'by-old');
}
