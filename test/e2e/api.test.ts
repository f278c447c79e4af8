/** kubectl against a control plane without a node: everything that needs no pods to run. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';

let server: Server;
before(async () => {
  server = await startServer();
});
after(() => server[Symbol.asyncDispose]());

const k = (...args: string[]) => server.kubectl(...args);
const fails = (...args: string[]) => {
  const { status, stdout, stderr } = server.tryKubectl(args);
  assert.notEqual(status, 0, `kubectl ${args.join(' ')} should fail, but printed ${stdout}`);
  return stderr;
};

const deployment = (replicas: number, image = 'busybox:1') => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: main, image: '${image}', ports: [{ containerPort: 80 }] }]
`;

test('version, cluster-info, api-resources and api-versions answer', () => {
  assert.match(k('version'), /Server Version: v1\.36/);
  assert.match(k('cluster-info'), /control plane.* is running at/);
  const resources = k('api-resources');
  assert.match(resources, /^deployments +deploy +apps\/v1 +true +Deployment$/m);
  assert.match(resources, /^pods +po +v1 +true +Pod$/m);
  assert.match(k('api-versions'), /^batch\/v1$/m);
});

test('the namespaces of every cluster are there', () => {
  const names = k('get', 'namespaces', '-o', 'name').trim().split('\n').sort();
  assert.deepEqual(
    names,
    ['default', 'kube-node-lease', 'kube-public', 'kube-system'].map(name => `namespace/${name}`),
  );
});

test('a ConfigMap is created, read in every form, changed in every way and deleted', () => {
  assert.equal(k('create', 'configmap', 'c', '--from-literal=a=1'), 'configmap/c created\n');
  assert.match(fails('create', 'configmap', 'c'), /AlreadyExists|already exists/);
  assert.equal(k('get', 'cm', 'c', '-o', 'jsonpath={.data.a}'), '1');
  assert.match(k('get', 'cm', 'c', '-o', 'yaml'), /^data:\n {2}a: "1"$/m);
  assert.equal(JSON.parse(k('get', 'cm', 'c', '-o', 'json')).metadata.name, 'c');
  assert.match(k('get', 'cm', 'c'), /^NAME +DATA +AGE\nc +1 +/);
  k('label', 'cm', 'c', 'tier=front');
  assert.match(k('get', 'cm', '-l', 'tier=front', '-o', 'name'), /configmap\/c/);
  assert.equal(k('get', 'cm', '-l', 'tier!=front,tier', '-o', 'name'), '');
  k('annotate', 'cm', 'c', 'note=hello');
  k('patch', 'cm', 'c', '--type=merge', '-p', '{"data":{"b":"2"}}');
  k('patch', 'cm', 'c', '--type=json', '-p', '[{"op":"replace","path":"/data/a","value":"3"}]');
  k('patch', 'cm', 'c', '-p', '{"data":{"b":null}}');
  assert.deepEqual(JSON.parse(k('get', 'cm', 'c', '-o', 'json')).data, { a: '3' });
  assert.match(k('describe', 'cm', 'c'), /Name: +c\n/);
  assert.match(k('get', 'cm', '--field-selector', 'metadata.name=c', '-o', 'name'), /configmap\/c/);
  assert.equal(
    k('delete', 'cm', 'c'),
    'configmap "c" deleted from default namespace\n'.replace(
      ' from default namespace',
      kubectlSaysNamespace() ? ' from default namespace' : '',
    ),
  );
  assert.match(fails('get', 'cm', 'c'), /Error from server \(NotFound\): configmaps "c" not found/);
});

/** Newer versions of kubectl name the namespace of what they delete. */
function kubectlSaysNamespace(): boolean {
  const { clientVersion } = JSON.parse(server.tryKubectl(['version', '--client', '-o', 'json']).stdout);
  return Number.parseInt(clientVersion.minor, 10) >= 34;
}

test('apply creates, changes only what differs, and tells so', () => {
  assert.equal(server.apply(deployment(0)), 'deployment.apps/web created\n');
  assert.equal(server.apply(deployment(0)), 'deployment.apps/web unchanged\n');
  const diff = server.tryKubectl(['diff', '-f', '-'], deployment(1));
  assert.equal(diff.status, 1);
  assert.match(diff.stdout, /^\+ {2}replicas: 1$/m);
  assert.equal(server.apply(deployment(1)), 'deployment.apps/web configured\n');
  assert.equal(k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), '1');
});

test('server-side apply owns its fields, and conflicts name the manager', () => {
  const apply = (manager: string, replicas: number, ...more: string[]) =>
    server.tryKubectl(
      ['apply', '--server-side', '--field-manager', manager, ...more, '-f', '-'],
      deployment(replicas).replaceAll('web', 'ssa'),
    );
  assert.equal(apply('one', 1).stdout, 'deployment.apps/ssa serverside-applied\n');
  const conflict = apply('two', 2);
  assert.notEqual(conflict.status, 0);
  assert.match(conflict.stderr, /Apply failed with 1 conflict: conflict with "one"[\s\S]*\.spec\.replicas/);
  assert.equal(apply('two', 2, '--force-conflicts').status, 0);
  const managers = JSON.parse(
    k('get', 'deploy', 'ssa', '-o', 'json', '--show-managed-fields'),
  ).metadata.managedFields.map((entry: { manager: string }) => entry.manager);
  assert.ok(managers.includes('one') && managers.includes('two'), String(managers));
});

test('a rolled out change is undone from history', () => {
  k('set', 'image', 'deploy/web', 'main=busybox:2');
  assert.match(k('rollout', 'history', 'deploy/web'), /^2 /m);
  k('rollout', 'undo', 'deploy/web');
  assert.equal(k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}'), 'busybox:1');
  k('rollout', 'pause', 'deploy/web');
  assert.equal(k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.paused}'), 'true');
  k('rollout', 'resume', 'deploy/web');
  k('rollout', 'restart', 'deploy/web');
  assert.match(k('get', 'deploy', 'web', '-o', 'yaml'), /kubectl.kubernetes.io\/restartedAt/);
});

test('scale and expose', () => {
  k('scale', 'deploy/web', '--replicas=3');
  assert.equal(k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), '3');
  k('expose', 'deploy/web', '--port=80');
  assert.match(k('get', 'svc', 'web'), /^web +ClusterIP +10\.43\.\d+\.\d+ +<none> +80\/TCP/m);
});

test('pods without a node wait, and an event says why', () => {
  k('wait', '--for=jsonpath={.status.phase}=Pending', 'pods', '-l', 'app=web', '--timeout=30s');
  assert.match(k('get', 'pods', '-l', 'app=web'), /^web-[a-z0-9]+-[a-z0-9]{5} +0\/1 +Pending +0 +/m);
  assert.match(k('describe', 'pods', '-l', 'app=web'), /FailedScheduling +.*no nodes available to schedule pods/);
  assert.match(k('events'), /FailedScheduling/);
});

test('explain tells the fields', () => {
  assert.match(k('explain', 'deployment.spec.strategy'), /rollingUpdate/);
  assert.match(k('explain', 'pods.spec.containers'), /imagePullPolicy/);
});

test('auth can-i answers as RBAC decides', () => {
  assert.equal(k('auth', 'can-i', 'create', 'pods').trim(), 'yes');
  assert.equal(server.tryKubectl(['auth', 'can-i', 'create', 'pods', '--as', 'somebody']).stdout.trim(), 'no');
  assert.match(
    fails('get', 'pods', '--as', 'somebody'),
    /pods is forbidden: User "somebody" cannot list resource "pods" in API group "" in the namespace "default"/,
  );
  k('create', 'rolebinding', 'read', '--clusterrole=view', '--user=somebody');
  assert.equal(server.tryKubectl(['auth', 'can-i', 'list', 'pods', '--as', 'somebody']).stdout.trim(), 'yes');
  assert.match(fails('get', 'secrets', '--as', 'somebody'), /secrets is forbidden/);
  assert.match(k('auth', 'whoami'), /system:masters/);
});

test('a token of a service account is who it says', () => {
  k('create', 'serviceaccount', 'robot');
  const token = k('create', 'token', 'robot').trim();
  const anonymous = [
    '--server',
    server.url,
    '--insecure-skip-tls-verify',
    '--token',
    token,
    '--kubeconfig',
    '/dev/null',
  ];
  const said = server.tryKubectl([...anonymous, 'auth', 'whoami']);
  assert.match(said.stdout, /system:serviceaccount:default:robot/);
  k('delete', 'serviceaccount', 'robot');
  assert.match(server.tryKubectl([...anonymous, 'auth', 'whoami']).stderr, /Unauthorized|must be logged in/);
});

test('unknown fields and bad values are refused with the field and the value', () => {
  const manifest = deployment(1).replaceAll('web', 'bad');
  const unknown = server.tryKubectl(['apply', '-f', '-'], manifest.replace('replicas:', 'replicass:'));
  assert.match(unknown.stderr, /unknown field "spec\.replicass"/);
  const type = server.tryKubectl(['apply', '-f', '-'], manifest.replace('replicas: 1', 'replicas: many'));
  assert.notEqual(type.status, 0);
  assert.match(type.stderr, /replicas/);
  const value = server.tryKubectl(['apply', '-f', '-'], manifest.replace('replicas: 1', 'replicas: -1'));
  assert.match(value.stderr, /spec\.replicas: Invalid value: -1: must be greater than or equal to 0/);
  assert.match(
    fails('create', 'configmap', 'Bad_Name'),
    /metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain/,
  );
});

test('warnings of the server are shown by kubectl', () => {
  const warnings = (manifest: string, ...args: string[]) => {
    const { status, stderr } = server.tryKubectl(['apply', '--dry-run=server', ...args, '-f', '-'], manifest);
    assert.equal(status, 0, stderr);
    return stderr;
  };
  const pod = (spec: string) => `---\n{ apiVersion: v1, kind: Pod, metadata: { name: warned }, spec: ${spec} }`;
  assert.equal(
    warnings(pod('{ containers: [{ name: c, image: busybox }], nodeSelector: { beta.kubernetes.io/os: linux } }')),
    'Warning: spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead\n',
  );
  assert.match(
    warnings(pod('{ containers: [{ name: c, image: busybox }], "grüße\\"": 1 }'), '--validate=warn'),
    /Warning: unknown field "spec\.grüße\\?""/,
  );
  const many = Array.from({ length: 40 }, (_, i) => `{ name: c${i}, image: busybox, ports: [{ containerPort: 80 }] }`);
  const lines = warnings(pod(`{ containers: [${many}] }`))
    .trim()
    .split('\n');
  assert.ok(lines.length > 10 && lines.length < 100, `${lines.length} warnings`);
  assert.match(lines[0] ?? '', /^Warning: spec\.containers\[1\]\.ports\[0\]: duplicate port definition with /);
});

test('edit writes back what the editor leaves', () => {
  k('create', 'configmap', 'edited', '--from-literal=a=1');
  const edited = server.tryKubectl(['edit', 'cm', 'edited'], undefined, { KUBE_EDITOR: 'sed -i s/\\"1\\"/\\"5\\"/' });
  assert.equal(edited.stdout, 'configmap/edited edited\n', edited.stderr);
  assert.equal(k('get', 'cm', 'edited', '-o', 'jsonpath={.data.a}'), '5');
  assert.equal(
    k('replace', '-f', writeTemporary(k('get', 'cm', 'edited', '-o', 'yaml').replace('"5"', '"2"'))),
    'configmap/edited replaced\n',
  );
  assert.equal(k('get', 'cm', 'edited', '-o', 'jsonpath={.data.a}'), '2');
});

function writeTemporary(text: string): string {
  const path = `${server.dataFolder}/manifest.yaml`;
  writeFileSync(path, text);
  return path;
}

test('a deleted namespace takes its content with it', () => {
  k('create', 'namespace', 'gone');
  k('-n', 'gone', 'create', 'configmap', 'inside');
  k('delete', 'namespace', 'gone', '--timeout=30s');
  assert.match(fails('get', 'namespace', 'gone'), /NotFound/);
});

test('deleting a Deployment deletes its ReplicaSets and pods; orphaning keeps them', () => {
  k('delete', 'deploy', 'web', '--cascade=foreground', '--timeout=30s');
  assert.equal(k('get', 'rs,pods', '-l', 'app=web', '-o', 'name'), '');
  server.apply(deployment(1).replaceAll('web', 'orphan'));
  k('wait', '--for=create', 'pods', '-l', 'app=orphan', '--timeout=30s');
  k('delete', 'deploy', 'orphan', '--cascade=orphan', '--timeout=30s');
  assert.match(k('get', 'rs', '-l', 'app=orphan', '-o', 'name'), /replicaset/);
});

test('metrics that are not there are said to be not there', () => {
  assert.match(fails('top', 'nodes'), /Metrics API not available/);
});

test('health endpoints tell each check', () => {
  assert.match(k('get', '--raw', '/readyz?verbose'), /readyz check passed/);
  assert.match(k('get', '--raw', '/livez?verbose'), /livez check passed/);
  assert.match(k('get', '--raw', '/metrics'), /^apiserver_request_total\{/m);
});
