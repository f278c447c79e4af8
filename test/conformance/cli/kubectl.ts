/** test/e2e/kubectl/kubectl.go and logs.go say what is demanded. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Json } from '../api.ts';
import { shellPod, untilDone, untilReady, webPod } from '../pods.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '[sig-cli] Kubectl client';
const pods = { pods: true };

function controller(name: string, replicas: number, image = 'busybox:1'): Json {
  const labels = { name };
  const { spec } = webPod(name);
  spec.restartPolicy = 'Always';
  spec.containers[0].image = image;
  spec.containers[0].ports = [{ name: 'web', containerPort: 8080 }];
  return {
    ...{ apiVersion: 'v1', kind: 'ReplicationController', metadata: { name, labels } },
    spec: { replicas, selector: labels, template: { metadata: { labels }, spec } },
  };
}

const create = (world: World, ...items: Json[]) =>
  world.kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });

/** `kubectl proxy` until the test's end; gives its first line. */
async function startProxy(world: World, ...args: string[]): Promise<string> {
  const proxy = spawn('kubectl', ['--kubeconfig', world.server.kubeconfig, 'proxy', ...args]);
  world.cleanUp(async () => {
    const ended = once(proxy, 'exit');
    if (proxy.kill()) await ended;
  });
  const [line] = await once(proxy.stdout, 'data');
  return String(line);
}

async function fetchText(options: { socketPath: string } | { port: number; host: string }): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get({ ...options, path: '/api/' }, answer => text(answer).then(resolve, reject)).on('error', reject);
  return promise;
}

export default function register({ conformance }: Suite): void {
  conformance(
    `${group} Guestbook application should create and stop a working application`,
    async world => {
      await guestbook(world);
    },
    pods,
  );

  conformance(`${group} Kubectl api-versions should check if v1 is in available api versions`, async world => {
    assert.ok((await world.kubectl(['api-versions'])).split('\n').includes('v1'));
  });

  conformance(
    `${group} Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info`,
    async world => {
      assert.match(await world.kubectl(['cluster-info']), /Kubernetes control plane.* is running at .*https:\/\//);
    },
  );

  conformance(
    `${group} Kubectl describe should check if kubectl describe prints relevant information for rc and pods`,
    describeAll,
    pods,
  );

  conformance(`${group} Kubectl diff should check if kubectl diff finds a difference for Deployments`, async world => {
    const deployment = (image: string) => ({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'diff' } },
      spec: {
        ...{ replicas: 0, selector: { matchLabels: { app: 'diff' } } },
        template: { metadata: { labels: { app: 'diff' } }, spec: { containers: [{ name: 'c', image }] } },
      },
    });
    await world.kubectl(['create', '-f', '-'], deployment('httpd:1'));
    const args = ['-n', world.namespace, 'diff', '-f', '-'];
    const { status, stdout } = await world.server.runKubectl(args, JSON.stringify(deployment('busybox:1')));
    assert.equal(status, 1);
    assert.match(stdout, /^-.*image: httpd:1$/m);
    assert.match(stdout, /^\+.*image: busybox:1$/m);
  });

  conformance(
    `${group} Kubectl expose should create services for rc`,
    async world => {
      await create(world, controller('primary', 1));
      await untilReady(world, 'name=primary', 1);
      await world.kubectl(['expose', 'rc', 'primary', '--name=rm2', '--port=1234', '--target-port=8080']);
      await world.kubectl(['expose', 'service', 'rm2', '--name=rm3', '--port=2345', '--target-port=8080']);
      for (const [name, port] of [
        ['rm2', 1234],
        ['rm3', 2345],
      ] as const) {
        const service = await world.api.get(`${world.inNamespace('services')}/${name}`);
        assert.deepEqual([service.spec.ports[0].port, service.spec.ports[0].targetPort], [port, 8080]);
        const endpoints = `${world.inNamespace('endpoints')}/${name}`;
        await eventually('endpoints', async () => {
          const { status, body } = await world.api.send({ path: endpoints });
          return status === 200 && body.subsets?.[0]?.ports[0].port === 8080;
        });
      }
    },
    pods,
  );

  conformance(
    `${group} Kubectl label should update the label on a resource`,
    async world => {
      await create(world, { apiVersion: 'v1', kind: 'Pod', ...webPod('pause') });
      await world.kubectl(['wait', '--for=condition=Ready', 'pod/pause', '--timeout=60s']);
      await world.kubectl(['label', 'pods', 'pause', 'testing-label=testing-label-value']);
      assert.match(await world.kubectl(['get', 'pod', 'pause', '-L', 'testing-label']), /testing-label-value/);
      await world.kubectl(['label', 'pods', 'pause', 'testing-label-']);
      assert.doesNotMatch(await world.kubectl(['get', 'pod', 'pause', '-L', 'testing-label']), /testing-label-value/);
    },
    pods,
  );

  conformance(
    `${group} Kubectl patch should add annotations for pods in rc`,
    async world => {
      await create(world, controller('primary', 1));
      const [pod] = await untilReady(world, 'name=primary', 1);
      const { name } = pod!.metadata;
      await world.kubectl(['patch', 'pod', name, '-p', '{"metadata":{"annotations":{"x":"y"}}}']);
      assert.equal((await world.api.get(`${world.inNamespace('pods')}/${name}`)).metadata.annotations.x, 'y');
    },
    pods,
  );

  conformance(
    `${group} Kubectl replace should update a single-container pod's image`,
    async world => {
      await world.kubectl(['run', 'one', '--image=busybox:1', '--labels=run=one', '--', 'sleep', '1000']);
      await untilReady(world, 'run=one', 1);
      // The node may write the status in between: that is a conflict, and to be tried again.
      await eventually('the pod is replaced', async () => {
        const pod = JSON.parse(await world.kubectl(['get', 'pod', 'one', '-o', 'json']));
        pod.spec.containers[0].image = 'shop/api:1';
        const args = ['-n', world.namespace, 'replace', '-f', '-'];
        const { status, stderr } = await world.server.runKubectl(args, JSON.stringify(pod));
        if (status !== 0) assert.match(stderr, /the object has been modified/);
        return status === 0;
      });
      const path = `${world.inNamespace('pods')}/one`;
      assert.equal((await world.api.get(path)).spec.containers[0].image, 'shop/api:1');
    },
    pods,
  );

  conformance(`${group} Kubectl run pod should create a pod from an image when restart is Never`, async world => {
    await world.kubectl(['run', 'e2e-test-httpd-pod', '--restart=Never', '--image=busybox:1']);
    const pod = await world.api.get(`${world.inNamespace('pods')}/e2e-test-httpd-pod`);
    assert.deepEqual([pod.spec.containers.length, pod.spec.containers[0].image], [1, 'busybox:1']);
    assert.equal(pod.spec.restartPolicy, 'Never');
  });

  conformance(`${group} Kubectl server-side dry-run should check if kubectl can dry-run update Pods`, async world => {
    await world.kubectl(['run', 'one', '--image=httpd:1', '--labels=run=one']);
    const patch = '{"spec":{"containers":[{"name":"one","image":"busybox:1"}]}}';
    const printed = await world.kubectl(['patch', 'pod', 'one', '-p', patch, '--dry-run=server', '-o', 'json']);
    assert.equal(JSON.parse(printed).spec.containers[0].image, 'busybox:1');
    assert.equal((await world.api.get(`${world.inNamespace('pods')}/one`)).spec.containers[0].image, 'httpd:1');
  });

  conformance(`${group} Kubectl version should check is all data is printed`, async world => {
    const { clientVersion, serverVersion } = JSON.parse(await world.kubectl(['version', '-o', 'json']));
    for (const one of [clientVersion, serverVersion]) {
      for (const field of ['major', 'minor', 'gitVersion', 'gitTreeState', 'goVersion', 'platform', 'buildDate']) {
        assert.ok(one[field], `${field} of ${JSON.stringify(one)}`);
      }
    }
  });

  conformance(`${group} Proxy server should support --unix-socket=/path`, async world => {
    const socketPath = join(world.server.dataFolder, `${world.namespace}.sock`);
    await startProxy(world, `--unix-socket=${socketPath}`);
    assert.match(await fetchText({ socketPath }), /"v1"/);
  });

  conformance(`${group} Proxy server should support proxy with --port 0`, async world => {
    const line = await startProxy(world, '--port=0');
    const port = Number(/Starting to serve on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
    assert.match(await fetchText({ host: '127.0.0.1', port }), /"v1"/);
  });

  const demo = `${group} Update Demo should`;
  conformance(
    `${demo} create and stop a replication controller`,
    async world => {
      await create(world, controller('nautilus', 2));
      await untilReady(world, 'name=nautilus', 2);
      await world.kubectl(['delete', 'rc', 'nautilus', '--wait']);
      await untilReady(world, 'name=nautilus', 0);
    },
    pods,
  );

  conformance(
    `${demo} scale a replication controller`,
    async world => {
      await create(world, controller('nautilus', 2));
      await untilReady(world, 'name=nautilus', 2);
      for (const count of [1, 2]) {
        await world.kubectl(['scale', 'rc', 'nautilus', `--replicas=${count}`, '--timeout=60s']);
        await untilReady(world, 'name=nautilus', count);
      }
    },
    pods,
  );

  conformance('[sig-cli] Kubectl logs logs should be able to retrieve and filter logs', logs, pods);
}

async function describeAll(world: World): Promise<void> {
  const service = {
    metadata: { name: 'primary' },
    spec: { selector: { name: 'primary' }, ports: [{ port: 6379, targetPort: 'web' }] },
  };
  await create(world, controller('primary', 1), { apiVersion: 'v1', kind: 'Service', ...service });
  const [pod] = await untilReady(world, 'name=primary', 1);
  const contains = async (args: string[], patterns: RegExp[]) => {
    const printed = await world.kubectl(['describe', ...args]);
    for (const pattern of patterns) assert.match(printed, pattern);
  };
  const own = new RegExp(`^Namespace: +${world.namespace}$`, 'm');
  await contains(
    ['pod', pod!.metadata.name],
    [own, /^Name: +primary-/m, /^Node: /m, /^Labels: +name=primary$/m, /^Status: +Running$/m, /^IP: +10\./m].concat([
      /^Controlled By: +ReplicationController\/primary$/m,
      /Image: +busybox:1/,
      /State: +Running/,
      /QoS Class: +BestEffort/,
    ]),
  );
  await contains(
    ['rc', 'primary'],
    [
      own,
      /^Name: +primary$/m,
      /^Selector: +name=primary$/m,
      /^Labels: +name=primary$/m,
      /^Replicas: +1 current \/ 1 desired$/m,
    ].concat([
      /^Pods Status: +1 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m,
      /^Pod Template:$/m,
      /Image: +busybox:1/,
      /^Events:/m,
    ]),
  );
  await contains(
    ['service', 'primary'],
    [
      own,
      /^Type: +ClusterIP$/m,
      /^IP: +10\./m,
      /^Port: +<unset> +6379\/TCP$/m,
      /^Endpoints: +10\./m,
      /^Session Affinity: +None$/m,
    ],
  );
  await contains(
    ['node', pod!.spec.nodeName],
    [
      /^Labels: /m,
      /^CreationTimestamp: /m,
      /^Conditions:$/m,
      /MemoryPressure/,
      /^Addresses:$/m,
      /^Capacity:$/m,
      /Container Runtime Version: +containerd/,
      /^Non-terminated Pods:/m,
    ],
  );
  await contains(['namespace', world.namespace], [/^Name: +c/m, /^Status: +Active$/m, /^No LimitRange resource\.$/m]);
}

async function logs(world: World): Promise<void> {
  const script = 'for i in $(seq 20); do echo "line $i of the log"; done; echo "/api/v1/namespaces/ns/pods/last"';
  await world.api.create(world.inNamespace('pods'), shellPod('logger', script));
  const all = (await untilDone(world, 'logger')).trimEnd().split('\n');
  assert.equal(all.length, 21);
  const read = (...args: string[]) => world.kubectl(['logs', 'logger', ...args]);
  assert.equal(await read('--tail=1'), '/api/v1/namespaces/ns/pods/last\n');
  assert.equal((await read('--limit-bytes=1')).length, 1);
  const [stamp = '', rest] = (await read('--tail=1', '--timestamps')).split(' ');
  assert.match(stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  assert.equal(rest, '/api/v1/namespaces/ns/pods/last\n');
  await eventually('nothing is younger than a second', async () => (await read('--since=1s')) === '');
  assert.equal((await read('--since=24h')).trimEnd().split('\n').length, all.length);
}

/** A front that keeps what it is told in a store behind a Service: redis, and a shell that speaks to it. */
async function guestbook(world: World): Promise<void> {
  const store = {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'store' } },
    spec: {
      ...{ replicas: 1, selector: { matchLabels: { app: 'store' } } },
      template: {
        metadata: { labels: { app: 'store' } },
        spec: {
          containers: [
            {
              ...{ name: 'store', image: 'shop/store:1', ports: [{ containerPort: 6379 }] },
              ...{ args: ['--save', '', '--protected-mode', 'no', '--bind', '0.0.0.0'] },
              readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'store' },
    spec: { selector: { app: 'store' }, ports: [{ port: 6379 }] },
  };
  const front = controller('front', 2);
  await create(world, store, service, front);
  await untilReady(world, 'app=store', 1);
  const fronts = await untilReady(world, 'name=front', 2);
  const say = (pod: Json, command: string) =>
    world.kubectl(['exec', pod.metadata.name, '--', 'sh', '-c', `(echo '${command}'; sleep 1) | nc -w 3 store 6379`]);
  assert.match(await say(fronts[0]!, 'SET entry TestEntry'), /\+OK/);
  assert.match(await say(fronts[1]!, 'GET entry'), /TestEntry/);
  await world.kubectl(['delete', 'deployment/store', 'service/store', 'rc/front', '--wait']);
  await untilReady(world, 'name=front', 0);
}
