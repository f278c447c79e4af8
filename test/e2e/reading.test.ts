/** Every way in which kubectl reads: selectors, orders, output forms, watches, raw paths, reviews, what the server tells of itself. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { resources } from '../../src/api/index.ts';
import { type Server, startServer } from './fixture.ts';
import { runLines } from './lines.ts';

let server: Server;
before(async () => {
  server = await startServer();
  server.kubectl('create', 'namespace', 'read');
  const one = (name: string, labels: string, size: string) =>
    `{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name}, namespace: read, labels: ${labels} }, data: { size: '${size}' } }`;
  const pod =
    '{ apiVersion: v1, kind: Pod, metadata: { name: waits, namespace: read }, spec: { containers: [{ name: main, image: busybox }] } }';
  const documents = [
    one('a', '{ tier: front, app: web }', '3'),
    one('b', '{ tier: back, app: web }', '1'),
    one('c', '{ tier: back }', '2'),
    pod,
  ];
  server.apply(documents.map(document => `---\n${document}\n`).join(''));
});
after(() => server[Symbol.asyncDispose]());

test('labels and fields select', () => {
  const names = '-o name';
  runLines(
    server,
    [
      [`get cm -l tier=back ${names}`, 'configmap/b\nconfigmap/c'],
      [`get cm -l tier=back,app ${names}`, 'configmap/b'],
      [`get cm -l 'tier in (front,side)' ${names}`, 'configmap/a'],
      [`get cm -l 'tier,tier notin (front)' ${names}`, 'configmap/b\nconfigmap/c'],
      [`get cm -l 'tier,!app' ${names}`, 'configmap/c'],
      [`get cm -l tier!=back,app=web ${names}`, 'configmap/a'],
      ['get cm -l tier==!', /unable to parse requirement/, 'fails'],
      [`get cm --field-selector metadata.name=a ${names}`, 'configmap/a'],
      [`get cm --field-selector metadata.name!=a -l tier ${names}`, 'configmap/b\nconfigmap/c'],
      [`get pods -A --field-selector status.phase=Pending,spec.nodeName= ${names}`, 'pod/waits'],
      ['get pods --field-selector status.phase=Running', ''],
      ['get pods --field-selector spec.nope=1', /field label not supported: spec\.nope/, 'fails'],
      ['get events --field-selector involvedObject.name=waits,type=Warning', /FailedScheduling/],
    ],
    'read',
  );
});

test('every form of output is served', () => {
  runLines(
    server,
    [
      ['get cm -l tier', /^NAME +DATA +AGE\na +1 +\d+s\nb +1 +\d+s\nc +1 +\d+s\n$/],
      ['get cm -l tier --no-headers', /^a +1 /],
      ['get cm -l tier --show-labels', /^b +1 +\d+s +app=web,tier=back$/m],
      ['get cm -l tier -L tier', /^NAME +DATA +AGE +TIER\na +1 +\d+s +front$/m],
      ['get cm -l tier -A', /^read +a +1 /m],
      ['get cm,pods', /^configmap\/a [\s\S]*\n\nNAME +READY [\s\S]*pod\/waits +0\/1 /m],
      ['get cm/a pod/waits -o name', 'configmap/a\npod/waits'],
      ['get cm a nope', /configmaps "nope" not found/, 'fails'],
      ['get cm nope --ignore-not-found', ''],
      ["get cm -l tier --sort-by='{.data.size}' -o name", 'configmap/b\nconfigmap/c\nconfigmap/a'],
      ["get cm -l tier -o 'jsonpath={range .items[*]}{.metadata.name}={.data.size} {end}'", 'a=3 b=1 c=2'],
      ['get cm -l tier -o \'jsonpath={.items[?(@.data.size=="1")].metadata.name}\'', 'b'],
      ["get cm -l tier -o 'custom-columns=N:.metadata.name,S:.data.size'", /^N +S\na +3\nb +1\nc +2\n$/],
      ["get cm -l tier -o 'go-template={{len .items}}'", '3'],
      ['get cm a -o yaml', /^apiVersion: v1\ndata:\n {2}size: "3"\nkind: ConfigMap\nmetadata:\n/],
      ['get cm a -o json', /^\{\n {4}"apiVersion": "v1",\n/],
      ['get cm a -o yaml --show-managed-fields', /^ {2}managedFields:\n {2}- apiVersion: v1$/m],
      ['get pods -o wide', /^waits +0\/1 +Pending +0 +\d+s +<none> +<none> +<none> +<none>$/m],
      ['get all', /^pod\/waits /m],
      ['get nopes', /the server doesn't have a resource type "nopes"/, 'fails'],
      ['describe cm a', /^Data\n====\nsize:\n----\n3\n/m],
    ],
    'read',
  );
});

test('long lists come in chunks, and none is lost', () => {
  const all = server.kubectl('get', 'clusterroles', '-o', 'name').trim().split('\n');
  assert.ok(all.length > 50);
  assert.deepEqual(server.kubectl('get', 'clusterroles', '--chunk-size=7', '-o', 'name').trim().split('\n'), all);
  const page = JSON.parse(server.kubectl('get', '--raw', '/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=7'));
  assert.equal(page.items.length, 7);
  assert.equal(page.metadata.remainingItemCount, all.length - 7);
});

test('a watch shows each change as it comes', async () => {
  const kubectl = spawn('kubectl', [
    '--kubeconfig',
    server.kubeconfig,
    '-n',
    'read',
    'get',
    'cm',
    '-l',
    'watched',
    '-w',
    '--output-watch-events',
    '--no-headers',
  ]);
  const lines = createInterface({ input: kubectl.stdout })[Symbol.asyncIterator]();
  const next = async () => ((await lines.next()).value as string).split(/ +/).slice(0, 2).join(' ');
  try {
    server.kubectl('-n', 'read', 'create', 'cm', 'seen');
    server.kubectl('-n', 'read', 'label', 'cm', 'seen', 'watched=1');
    assert.equal(await next(), 'ADDED seen');
    server.kubectl('-n', 'read', 'annotate', 'cm', 'seen', 'a=1');
    assert.equal(await next(), 'MODIFIED seen');
    server.kubectl('-n', 'read', 'label', 'cm', 'seen', 'watched-');
    assert.equal(await next(), 'DELETED seen');
  } finally {
    kubectl.kill();
    await once(kubectl, 'exit');
  }
});

test('wait waits for what is asked, and no longer than told', () => {
  runLines(
    server,
    [
      ["wait --for=jsonpath='{.status.phase}'=Pending pod/waits --timeout=10s", 'pod/waits condition met'],
      ['wait --for=condition=PodScheduled=false pod/waits --timeout=10s', 'pod/waits condition met'],
      [
        'wait --for=condition=Ready pod/waits --timeout=1s',
        /timed out waiting for the condition on pods\/waits/,
        'fails',
      ],
      ['wait --for=create pod/waits --timeout=1s', 'pod/waits condition met'],
      ['wait --for=delete pod/nobody --timeout=1s', ''],
      ['wait --for=condition=Ready pod/nobody --timeout=1s', /pods "nobody" not found/, 'fails'],
    ],
    'read',
  );
});

test('the server tells what it serves', () => {
  const listed = server.kubectl('api-resources', '--no-headers');
  for (const { resource, group, version, namespaced, kind } of Object.values(resources)) {
    // Of two versions of one resource kubectl shows the preferred one.
    if (resource === 'horizontalpodautoscalers' && version === 'v1') continue;
    const apiVersion = group ? `${group}/${version}` : version;
    assert.match(listed, new RegExp(`^${resource} .*\\b${apiVersion} +${namespaced} +${kind}$`, 'm'));
  }
  runLines(server, [
    [
      'api-resources --api-group=apps -o wide --no-headers',
      /^deployments +deploy +apps\/v1 +true +Deployment +create,delete,deletecollection,get,list,patch,update,watch +all$/m,
    ],
    ['api-resources --namespaced=false --verbs=list,get -o name', /^nodes$/m],
    ['api-resources --categories=all -o name', /^pods$[\s\S]*^deployments\.apps$/m],
    ['api-versions', /^apps\/v1\n[\s\S]*^networking\.k8s\.io\/v1\n[\s\S]*^v1\n/m],
    ['version', /^Server Version: v1\.36\.\d+/m],
    ['version -o json', /"serverVersion": \{[\s\S]*"minor": "36"/],
    ['cluster-info', /^\S*Kubernetes control plane\S* is running at \S*https:\/\/127\.0\.0\.1:\d+/m],
    ['explain pod.spec.containers.resources.limits', /^FIELD: limits <map\[string\]Quantity>$/m],
    ['explain hpa --api-version=autoscaling/v1 --recursive', /targetCPUUtilizationPercentage\t<integer>/],
    ['explain deployment.spec.nope', /field "nope" does not exist/, 'fails'],
    ['explain pod.spec --output=plaintext-openapiv2', /activeDeadlineSeconds\t<integer>/],
    ['explain nopes', /the server doesn't have a resource type "nopes"/, 'fails'],
    ['get --raw /version', /"gitVersion":\s*"v1\.36/],
    ['get --raw /healthz', 'ok'],
    ['get --raw /nope', /the server could not find the requested resource/, 'fails'],
    ['get --raw /openapi/v2', /^\{[\s\S]*"swagger":\s*"2\.0"/],
    ['top nodes', /Metrics API not available/, 'fails'],
    ['top pods', /Metrics API not available/, 'fails'],
  ]);
});

test('who one is, and what one may', () => {
  runLines(server, [
    ['auth whoami', /^Groups +\[system:masters system:authenticated\]$/m],
    [
      'auth whoami --as=jane --as-group=readers -o jsonpath={.status.userInfo.groups}',
      '["readers","system:authenticated"]',
    ],
    [
      'create clusterrolebinding jane --clusterrole=view --user=jane',
      'clusterrolebinding.rbac.authorization.k8s.io/jane created',
    ],
    ['auth can-i delete nodes', /^yes$/m],
    ['auth can-i list pods --as=jane -A', 'yes'],
    ['auth can-i get pods --subresource=log --as=jane', 'yes'],
    ['auth can-i get /healthz --as=nobody', 'yes'],
    ['auth can-i --list', /^\*\.\* +\[\] +\[\] +\[\*\]$/m],
    ['auth can-i --list --as=jane', /^pods +\[\] +\[\] +\[get list watch\]$/m],
    [
      'get secrets --as=jane',
      /User "jane" cannot list resource "secrets" in API group "" in the namespace "default"/,
      'fails',
    ],
    ['delete cm a --as=jane', /User "jane" cannot delete resource "configmaps"/, 'fails'],
  ]);
  assert.equal(server.tryKubectl(['auth', 'can-i', 'delete', 'pods', '--as=jane']).stdout, 'no\n');
});

test('reviews are answered and not kept', () => {
  const ask = (kind: string, group: string, spec: string) =>
    JSON.parse(
      server.tryKubectl(
        ['create', '-o', 'json', '-f', '-'],
        `---\n{ apiVersion: ${group}/v1, kind: ${kind}, metadata: { namespace: default }, spec: ${spec} }`,
      ).stdout,
    ).status;
  const access = '{ user: jane, resourceAttributes: { verb: list, resource: pods, namespace: default } }';
  assert.equal(ask('SubjectAccessReview', 'authorization.k8s.io', access).allowed, true);
  assert.equal(ask('LocalSubjectAccessReview', 'authorization.k8s.io', access).allowed, true);
  const own = '{ resourceAttributes: { verb: delete, resource: nodes } }';
  assert.equal(ask('SelfSubjectAccessReview', 'authorization.k8s.io', own).allowed, true);
  const token = server.kubectl('create', 'token', 'default').trim();
  const review = ask('TokenReview', 'authentication.k8s.io', `{ token: ${token} }`);
  assert.equal(review.user.username, 'system:serviceaccount:default:default');
  assert.equal(ask('TokenReview', 'authentication.k8s.io', '{ token: nonsense }').authenticated, undefined);
});

test('proxy hands the API on', async () => {
  const kubectl = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'proxy', '--port=0']);
  try {
    const [line] = (await once(createInterface({ input: kubectl.stdout }), 'line')) as [string];
    const answer = await fetch(`http://${line.slice(line.lastIndexOf(' ') + 1)}/api/v1/namespaces/read/configmaps/a`);
    assert.equal(((await answer.json()) as { data: unknown }).data && answer.status, 200);
  } finally {
    kubectl.kill();
    await once(kubectl, 'exit');
  }
});

test('what is deprecated is served, and says so to whoever asks', () => {
  const ask = (...args: string[]) => server.tryKubectl(['get', ...args]);
  const { stdout, stderr } = ask(
    'componentstatuses',
    '--no-headers',
    '-o',
    'custom-columns=:.metadata.name,:.conditions[0].status',
  );
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map(line => line.split(/\s+/)),
    [
      ['controller-manager', 'True'],
      ['scheduler', 'True'],
    ],
  );
  assert.equal(stderr, 'Warning: v1 ComponentStatus is deprecated in v1.19+\n');
  assert.match(ask('componentstatus', 'scheduler').stdout, /scheduler +Healthy +ok/);
  assert.match(ask('cs', 'other').stderr, /Error from server \(NotFound\): componentstatuses "other" not found/);
  assert.match(
    ask('endpoints').stderr,
    /Warning: v1 Endpoints is deprecated in v1\.33\+; use discovery\.k8s\.io\/v1 EndpointSlice/,
  );
});
