/** Every way in which kubectl writes: dry runs, strict fields, conflicts, pruning, kustomize, cascades, nodes made by hand. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';
import { runLines } from './lines.ts';

let server: Server;
before(async () => {
  server = await startServer();
  server.kubectl('create', 'namespace', 'write');
});
after(() => server[Symbol.asyncDispose]());

/** Writes files under the data folder, where they go with it; gives the path of the folder. */
function folder(name: string, files: Record<string, string>): string {
  const path = join(server.dataFolder, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

const settings = (name: string, more = '') =>
  `---\n{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name}, labels: { set: one } }, data: { a: '1'${more} } }\n`;

test('labels, annotations and patches change what they say, and nothing by accident', () => {
  runLines(
    server,
    [
      ['create cm one --from-literal=a=1', 'configmap/one created'],
      ['create cm one', /configmaps "one" already exists/, 'fails'],
      ['label cm one tier=front', 'configmap/one labeled'],
      ['label cm one tier=back', /'tier' already has a value \(front\), and --overwrite is false/, 'fails'],
      ['label cm one tier=back --overwrite', 'configmap/one labeled'],
      ['label cm one tier=back', 'configmap/one not labeled'],
      ['label cm one tier-', 'configmap/one unlabeled'],
      ['label cm one Bad/Key/=1', /a valid label key must consist of alphanumeric characters/, 'fails'],
      ['label cm --all all=yes', /^configmap\/one labeled$/m],
      ['annotate cm one note=hello', 'configmap/one annotated'],
      ['annotate cm -l all=yes note-', /^configmap\/one annotated$/m],
      [`patch cm one -p '{"data":{"b":"2","a":null}}'`, 'configmap/one patched'],
      [`patch cm one -p '{"data":{"b":"2"}}'`, 'configmap/one patched (no change)'],
      [`patch cm one --type=merge -p '{"data":{"c":"3"}}'`, 'configmap/one patched'],
      [`patch cm one --type=json -p '[{"op":"move","from":"/data/c","path":"/data/d"}]'`, 'configmap/one patched'],
      ["get cm one -o 'jsonpath={.data}'", '{"b":"2","d":"3"}'],
      [
        `patch cm one --type=json -p '[{"op":"test","path":"/data/b","value":"9"}]'`,
        /testing value|test failed|is invalid/i,
        'fails',
      ],
      [`patch cm one --type=json -p '[{"op":"remove","path":"/data/zzz"}]'`, /is invalid/, 'fails'],
      [
        `patch cm one --type=merge -p '{"data":{"n":5}}'`,
        /cannot unmarshal number into Go struct field ConfigMap\.data\S* of type string/,
        'fails',
      ],
      [`patch cm nope -p '{}'`, /configmaps "nope" not found/, 'fails'],
    ],
    'write',
  );
});

test('lists with keys merge, item by item', () => {
  server.kubectl('-n', 'write', 'create', 'deployment', 'web', '--image=busybox:1', '--replicas=0');
  const side = '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox:2"}]}}}}';
  const gone = '{"spec":{"template":{"spec":{"containers":[{"name":"side","$patch":"delete"}]}}}}';
  runLines(
    server,
    [
      [`patch deployment web -p '${side}'`, 'deployment.apps/web patched'],
      ["get deployment web -o 'jsonpath={.spec.template.spec.containers[*].name}'", 'side busybox'],
      [`patch deployment web -p '${gone}'`, 'deployment.apps/web patched'],
      ["get deployment web -o 'jsonpath={.spec.template.spec.containers[*].name}'", 'busybox'],
      [
        `patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":1}}'`,
        'scale.autoscaling/web patched',
      ],
      [
        `patch deployment web --subresource=status --type=merge -p '{"status":{"replicas":7}}'`,
        /^deployment\.apps\/web patched/,
      ],
      [
        `patch deployment web --type=merge -p '{"spec":{"selector":{"matchLabels":{"x":"y"}}}}'`,
        /field is immutable/,
        'fails',
      ],
    ],
    'write',
  );
});

test('dry runs say what would be and leave everything', () => {
  const path = folder('dry', { 'one.yaml': settings('planned') });
  const before = server.kubectl('-n', 'write', 'get', 'all,cm', '-o', 'jsonpath={.items[*].metadata.uid}');
  const version = server.kubectl('-n', 'write', 'get', 'cm', 'one', '-o', 'yaml');
  const dry = '--dry-run=server';
  runLines(
    server,
    [
      [`create -f ${path} ${dry}`, 'configmap/planned created (server dry run)'],
      [`apply -f ${path} ${dry}`, 'configmap/planned created (server dry run)'],
      [`apply -f ${path} --server-side ${dry}`, 'configmap/planned serverside-applied (server dry run)'],
      [`create cm planned ${dry} -o name`, 'configmap/planned'],
      [`run pod --image=busybox ${dry}`, 'pod/pod created (server dry run)'],
      [`create deployment other --image=busybox ${dry}`, 'deployment.apps/other created (server dry run)'],
      [`label cm one a=b ${dry}`, 'configmap/one labeled (server dry run)'],
      [`annotate cm one a=b ${dry} -o yaml`, /^ {4}a: b$/m],
      [`patch cm one ${dry} -p '{"data":{"z":"9"}}' -o 'jsonpath={.data.z}'`, '9'],
      [`set image deployment/web busybox=busybox:9 ${dry}`, 'deployment.apps/web image updated (server dry run)'],
      [`scale deployment web --replicas=9 ${dry}`, 'deployment.apps/web scaled (server dry run)'],
      [`expose deployment web --port=80 ${dry}`, 'service/web exposed (server dry run)'],
      [`rollout undo deployment/web ${dry}`, 'deployment.apps/web rolled back (server dry run)'],
      [`delete cm one ${dry}`, 'configmap "one" deleted (server dry run)'],
    ],
    'write',
  );
  assert.equal(server.kubectl('-n', 'write', 'get', 'all,cm', '-o', 'jsonpath={.items[*].metadata.uid}'), before);
  assert.equal(server.kubectl('-n', 'write', 'get', 'cm', 'one', '-o', 'yaml'), version);
});

test('unknown fields are refused, warned of or dropped, as the user asks', () => {
  const pod =
    '---\n{ apiVersion: v1, kind: Pod, metadata: { name: bad }, spec: { containers: [{ name: c, image: i, imagee: x }], nope: 1 } }\n';
  const path = folder('fields', { 'pod.yaml': pod });
  const strict = 'strict decoding error: unknown field "spec.containers[0].imagee", unknown field "spec.nope"';
  const refused = new RegExp(`Pod in version "v1" cannot be handled as a Pod: ${strict.replace(/[[\]]/g, '\\$&')}`);
  runLines(server, [
    [`create -f ${path}/pod.yaml`, refused, 'fails'],
    [`apply -f ${path}/pod.yaml --validate=strict`, refused, 'fails'],
    [`create -f ${path}/pod.yaml --dry-run=server --validate=warn`, 'pod/bad created (server dry run)'],
    [`create -f ${path}/pod.yaml --dry-run=server --validate=ignore`, 'pod/bad created (server dry run)'],
  ]);
  const { stderr } = server.tryKubectl(['create', '-f', `${path}/pod.yaml`, '--dry-run=server', '--validate=warn']);
  assert.equal(stderr, 'Warning: unknown field "spec.containers[0].imagee"\nWarning: unknown field "spec.nope"\n');
});

test('replace needs what is there, and the version that was read', () => {
  server.kubectl('-n', 'write', 'create', 'cm', 'swap', '--from-literal=a=1');
  const read = server.kubectl('-n', 'write', 'get', 'cm', 'swap', '-o', 'yaml');
  const path = folder('replace', {
    'stale.yaml': read,
    'new.yaml': settings('swap'),
    'none.yaml': settings('never-made'),
  });
  runLines(
    server,
    [
      [`replace -f ${path}/stale.yaml`, 'configmap/swap replaced'],
      ['label cm swap a=b', 'configmap/swap labeled'],
      [
        `replace -f ${path}/stale.yaml`,
        /Operation cannot be fulfilled on configmaps "swap": the object has been modified; please apply your changes to the latest version and try again/,
        'fails',
      ],
      [`replace -f ${path}/new.yaml`, 'configmap/swap replaced'],
      [`replace --force -f ${path}/new.yaml`, /^configmap\/swap replaced$/m],
      [`replace -f ${path}/none.yaml`, /configmaps "never-made" not found/, 'fails'],
    ],
    'write',
  );
});

test('kustomize and pruning', () => {
  const path = folder('kustomize', {
    'kustomization.yaml':
      'namePrefix: k-\nresources: [one.yaml]\nconfigMapGenerator: [{ name: made, literals: [a=1] }]\n',
    'one.yaml': settings('one'),
  });
  const set = folder('prune', { 'both.yaml': settings('keep') + settings('drop'), 'one.yaml': settings('keep') });
  const prune = '--prune -l set=one --prune-allowlist=core/v1/ConfigMap';
  runLines(
    server,
    [
      [`kustomize ${path}`, /name: k-made-\w{10}\n[\s\S]*name: k-one\n/],
      [`apply -k ${path}`, /^configmap\/k-made-\w{10} created\nconfigmap\/k-one created\n$/],
      [`apply -k ${path}`, /^configmap\/k-made-\w{10} unchanged\nconfigmap\/k-one unchanged\n$/],
      [`diff -k ${path}`, ''],
      [`get -k ${path} -o name`, /^configmap\/k-made-\w{10}\nconfigmap\/k-one\n$/],
      [`delete -k ${path}`, /configmap "k-one" deleted/],
      [`apply -f ${set}/both.yaml ${prune}`, 'configmap/keep created\nconfigmap/drop created'],
      [`apply -f ${set}/one.yaml ${prune}`, 'configmap/keep unchanged\nconfigmap/drop pruned'],
      ['get cm drop', /configmaps "drop" not found/, 'fails'],
      [`apply view-last-applied cm keep -o yaml`, /^data:\n {2}a: "1"$/m],
    ],
    'write',
  );
});

test('each cascade does with the dependents what it says', () => {
  const make = (name: string) =>
    server.kubectl('-n', 'write', 'create', 'deployment', name, '--image=busybox', '--replicas=2');
  const left = (name: string) => server.kubectl('-n', 'write', 'get', 'rs,pods', '-l', `app=${name}`, '-o', 'name');
  for (const cascade of ['foreground', 'background', 'orphan']) {
    make(cascade);
    const made = ['-n', 'write', 'wait', '--for=create', 'pods', '-l', `app=${cascade}`, '--timeout=20s'];
    server.kubectl(...made);
    server.kubectl('-n', 'write', 'delete', 'deployment', cascade, `--cascade=${cascade}`, '--timeout=20s');
    if (cascade === 'foreground') assert.equal(left(cascade), '');
    if (cascade === 'background') {
      server.kubectl('-n', 'write', 'wait', '--for=delete', 'rs,pods', '-l', `app=${cascade}`, '--timeout=20s');
      assert.equal(left(cascade), '');
    }
    if (cascade === 'orphan') {
      const owners = server.kubectl(
        '-n',
        'write',
        'get',
        'rs',
        '-l',
        'app=orphan',
        '-o',
        'jsonpath={.items[*].metadata.ownerReferences}',
      );
      assert.equal(owners, '');
      assert.match(left(cascade), /replicaset\.apps\/orphan-\w+\npod\/orphan-|pod\/orphan-/);
    }
  }
  runLines(
    server,
    [
      ['delete rs -l app=orphan --timeout=20s', /replicaset\.apps "orphan-\w+" deleted/],
      ['delete deployment,rs,pods --all --now --timeout=30s', /deployment\.apps "web" deleted/],
      ['delete cm nope', /configmaps "nope" not found/, 'fails'],
      ['delete cm nope --ignore-not-found', ''],
      ['delete cm keep one', /configmap "keep" deleted\nconfigmap "one" deleted/],
    ],
    'write',
  );
});

test('finalizers keep what is deleted until they are taken off', () => {
  server.apply(
    '---\n{ apiVersion: v1, kind: ConfigMap, metadata: { name: held, namespace: write, finalizers: [example.com/hold] } }',
  );
  runLines(
    server,
    [
      ['delete cm held --wait=false', /configmap "held" deleted/],
      ['get cm held -o jsonpath={.metadata.deletionTimestamp}', /^20\d\d-/],
      ['delete cm held --timeout=1s', /timed out waiting for the condition on configmaps\/held/, 'fails'],
      [
        `patch cm held --type=merge -p '{"metadata":{"finalizers":["example.com/more"]}}'`,
        /metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted/,
        'fails',
      ],
      [`patch cm held --type=merge -p '{"metadata":{"finalizers":null}}'`, 'configmap/held patched'],
      ['get cm held', /configmaps "held" not found/, 'fails'],
    ],
    'write',
  );
});

test('a node made by hand can be tainted, cordoned, labelled and drained', () => {
  server.apply('---\n{ apiVersion: v1, kind: Node, metadata: { name: hand } }');
  runLines(server, [
    ['taint node hand dedicated=me:NoSchedule', 'node/hand tainted'],
    [
      'taint node hand dedicated=you:NoSchedule',
      /node hand already has dedicated taint\(s\) with same effect\(s\)/,
      'fails',
    ],
    ['taint node hand dedicated-', 'node/hand untainted'],
    ['cordon hand', 'node/hand cordoned'],
    ['cordon hand', 'node/hand already cordoned'],
    ['get node hand', /^NAME +STATUS +ROLES +AGE +VERSION\nhand +Unknown,SchedulingDisabled +<none> /],
    ['get node hand -o \'jsonpath={.spec.taints[?(@.key=="node.kubernetes.io/unschedulable")].effect}\'', 'NoSchedule'],
    ['uncordon hand', 'node/hand uncordoned'],
    ['label node hand node-role.kubernetes.io/worker=', 'node/hand labeled'],
    ['get node hand', /^hand +Unknown +worker /m],
    ['describe node hand', /^Roles: +worker$/m],
    ['drain hand --ignore-daemonsets', /node\/hand drained/],
    ['delete node hand', 'node "hand" deleted'],
  ]);
});
