/** The kubectl commands that make objects out of flags, and those that change one thing of a workload. No node: pods only wait. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';
import { runLines } from './lines.ts';

let server: Server;
before(async () => {
  server = await startServer();
  server.kubectl('create', 'namespace', 'made');
});
after(() => server[Symbol.asyncDispose]());

test('every generator of kubectl create makes its object', () => {
  const [key, cert] = [join(server.dataFolder, 'test.key'), join(server.dataFolder, 'test.crt')];
  const made = spawnSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -days 1 -keyout ${key} -out ${cert}`.split(
      ' ',
    ),
  );
  assert.equal(made.status, 0, String(made.stderr));
  runLines(
    server,
    [
      ['create deployment web --image=busybox:1 --replicas=2 --port=80', 'deployment.apps/web created'],
      ['create job one --image=busybox:1 -- true', 'job.batch/one created'],
      ["create cronjob tick --image=busybox:1 --schedule='*/5 * * * *' -- date", 'cronjob.batch/tick created'],
      ['create job again --from=cronjob/tick', 'job.batch/again created'],
      ['create configmap settings --from-literal=a=1 --from-file=/etc/hostname', 'configmap/settings created'],
      ['create secret generic login --from-literal=user=me', 'secret/login created'],
      [`create secret tls site --cert=${cert} --key=${key}`, 'secret/site created'],
      [
        'create secret docker-registry pull --docker-server=r.example.com --docker-username=u --docker-password=p',
        'secret/pull created',
      ],
      ['create serviceaccount robot', 'serviceaccount/robot created'],
      [
        'create role reads --verb=get,list --resource=pods,deployments.apps',
        'role.rbac.authorization.k8s.io/reads created',
      ],
      [
        'create rolebinding reads --role=reads --serviceaccount=made:robot',
        'rolebinding.rbac.authorization.k8s.io/reads created',
      ],
      [
        'create clusterrole health --verb=get --non-resource-url=/healthz',
        'clusterrole.rbac.authorization.k8s.io/health created',
      ],
      ['create clusterrole sum --aggregation-rule=sum=yes', 'clusterrole.rbac.authorization.k8s.io/sum created'],
      [
        'create clusterrolebinding health --clusterrole=health --user=jane',
        'clusterrolebinding.rbac.authorization.k8s.io/health created',
      ],
      ['create namespace another', 'namespace/another created'],
      ['-n another create quota few --hard=pods=1', 'resourcequota/few created'],
      [
        'create poddisruptionbudget keep --selector=app=web --min-available=1',
        'poddisruptionbudget.policy/keep created',
      ],
      ['create priorityclass high --value=1000 --description=first', 'priorityclass.scheduling.k8s.io/high created'],
      ["create ingress site --rule='example.com/*=web:80,tls=site'", 'ingress.networking.k8s.io/site created'],
      ['create service clusterip inner --tcp=80:8080', 'service/inner created'],
      ['create service clusterip headless --clusterip=None --tcp=80', 'service/headless created'],
      ['create service nodeport outer --tcp=80:8080 --node-port=30999', 'service/outer created'],
      ['create service loadbalancer balanced --tcp=80', 'service/balanced created'],
      ['create service externalname away --external-name=example.com', 'service/away created'],
      ['create token robot --duration=10m', /^[\w-]+\.[\w-]+\.[\w-]+$/],
      ['create token robot --bound-object-kind=Secret --bound-object-name=login', /^[\w-]+\.[\w-]+\.[\w-]+$/],
      ['create token nobody', /serviceaccounts "nobody" not found/, 'fails'],
    ],
    'made',
  );
});

test('what the generators made is shown as upstream shows it', () => {
  runLines(
    server,
    [
      ['get deployment web', /^web +0\/2 +2 +0 +\d+s$/m],
      [
        'get job one -o wide',
        /^one +Running +0\/1 +\d+s +\d+s +one +busybox:1 +batch\.kubernetes\.io\/controller-uid=/m,
      ],
      ['get cronjob tick', /^tick +\*\/5 \* \* \* \* +<none> +False +\d +<none> +\d+s$/m],
      ['get configmap settings', /^settings +2 /m],
      ['get secret site', /^site +kubernetes\.io\/tls +2 /m],
      ['get secret pull', /^pull +kubernetes\.io\/dockerconfigjson +1 /m],
      ['get rolebinding reads -o wide', /^reads +Role\/reads +\d+s +made\/robot$/m],
      ['get clusterrolebinding health -o wide', /^health +ClusterRole\/health +\d+s +jane/m],
      ['get ingress site', /^site +<none> +example\.com +80, 443 +\d+s$/m],
      ['get service outer', /^outer +NodePort +10\.43\.\d+\.\d+ +<none> +80:30999\/TCP /m],
      ['get service headless', /^headless +ClusterIP +None +<none> +80\/TCP /m],
      ['get service balanced', /^balanced +LoadBalancer +10\.43\.\d+\.\d+ +<pending> +80:3\d{4}\/TCP /m],
      ['get service away', /^away +ExternalName +<none> +example\.com +<none> /m],
      ['get pdb keep', /^keep +1 +N\/A +0 /m],
      ['get priorityclass high', /^high +1000 +false +\d+s +PreemptLowerPriority$/m],
      ['-n another get quota', /^few +pods: 0\/1 /m],
    ],
    'made',
  );
});

test('run makes pods, and dry runs make none', () => {
  runLines(
    server,
    [
      ['run plan --image=busybox:1 --dry-run=client -o yaml', /^ {2}- image: busybox:1$/m],
      [
        'run plan --image=busybox:1 --dry-run=server -o yaml',
        /^ {2}- image: busybox:1\n {4}imagePullPolicy: IfNotPresent$/m,
      ],
      ['get pod plan', /pods "plan" not found/, 'fails'],
      [
        'run alone --image=busybox:1 --labels=app=alone --env=A=1 --port=80 --expose -- sleep 1d',
        'service/alone created\npod/alone created',
      ],
      ['get pod alone', /^alone +0\/1 +Pending +0 /m],
      [
        'describe pod alone',
        /Status: +Pending[\s\S]*A: +1[\s\S]*FailedScheduling +\d+s +default-scheduler +no nodes available/,
      ],
      ['-n another run alone --image=busybox:1', 'pod/alone created'],
      [
        '-n another run more --image=busybox:1',
        /pods "more" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1/,
        'fails',
      ],
      // What needs a node says so; that nothing was logged yet is no failure.
      ['logs alone', /^$/],
      ['exec alone -- true', /pod alone does not have a host assigned/, 'fails'],
      ['port-forward pod/alone 8080', /pod is not running\. Current status=Pending/, 'fails'],
    ],
    'made',
  );
});

test('set, scale, autoscale and expose change one thing of a workload', () => {
  runLines(
    server,
    [
      ['set image deployment/web busybox=busybox:2', 'deployment.apps/web image updated'],
      ['set env deployment/web A=1', 'deployment.apps/web env updated'],
      ['set env deployment/web --from=configmap/settings', 'deployment.apps/web env updated'],
      [
        'set env deployment/web --list',
        /# A from configmap settings, key a\n# HOSTNAME from configmap settings, key hostname/,
      ],
      ['set resources deployment/web --limits=cpu=1,memory=64Mi', 'deployment.apps/web resource requirements updated'],
      ['set serviceaccount deployment/web robot', 'deployment.apps/web serviceaccount updated'],
      ["set selector service/inner 'app=other'", 'service/inner selector updated'],
      ['set subject rolebinding/reads --user=jane', 'rolebinding.rbac.authorization.k8s.io/reads subjects updated'],
      ['scale deployment web --replicas=3 --current-replicas=2', 'deployment.apps/web scaled'],
      ['scale deployment web --replicas=4 --current-replicas=2', /Expected replicas to be 2, was 3/, 'fails'],
      ['scale deployment nope --replicas=4', /deployments\.apps "nope" not found/, 'fails'],
      ['get deployment web --subresource=scale', /^NAME +DESIRED +AVAILABLE +AGE\nweb +3 +\d +\d+s$/m],
      [
        'autoscale deployment web --min=1 --max=3 --cpu-percent=50',
        'horizontalpodautoscaler.autoscaling/web autoscaled',
      ],
      ['expose deployment web --port=80 --target-port=8080 --name=exposed --type=NodePort', 'service/exposed exposed'],
      ['get service exposed -o wide', /^exposed +NodePort .* 80:3\d{4}\/TCP +\d+s +app=web$/m],
      [
        "get deployment web -o 'jsonpath={.spec.template.spec.serviceAccountName} {.spec.template.spec.containers[0].resources.limits.memory}'",
        'robot 64Mi',
      ],
    ],
    'made',
  );
});

test('a roll-out has a history, can be paused, gone back on and made again', () => {
  const image = "get deployment web -o 'jsonpath={.spec.template.spec.containers[0].image}'";
  runLines(
    server,
    [
      ['rollout history deployment/web', /^REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/m],
      ['rollout history deployment/web --revision=2', /with revision #2[\s\S]*Image:\tbusybox:2/],
      ['rollout status deployment/web --watch=false', /^Waiting for deployment "web" rollout to finish: /],
      ['rollout undo deployment/web --to-revision=1', 'deployment.apps/web rolled back'],
      [image, 'busybox:1'],
      ['rollout undo deployment/web --to-revision=99', /unable to find specified revision 99 in history/, 'fails'],
      ['rollout pause deployment/web', 'deployment.apps/web paused'],
      ['rollout pause deployment/web', /is already paused/, 'fails'],
      ['rollout undo deployment/web', /cannot rollback a paused deployment/, 'fails'],
      ['rollout resume deployment/web', 'deployment.apps/web resumed'],
      ['rollout restart deployment/web', 'deployment.apps/web restarted'],
      ["annotate deployment/web kubernetes.io/change-cause='again'", 'deployment.apps/web annotated'],
      [
        "wait --for=jsonpath='{.status.observedGeneration}' deployment/web --timeout=10s",
        'deployment.apps/web condition met',
      ],
    ],
    'made',
  );
});

test('requests for certificates are approved and denied, and say who asked', () => {
  const pem = spawnSync(
    'openssl',
    'req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=jane/O=readers -keyout /dev/null'.split(
      ' ',
    ),
    { encoding: 'utf8' },
  ).stdout;
  for (const name of ['first', 'second']) {
    const request = Buffer.from(pem).toString('base64');
    server.apply(`
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: { name: ${name} }
spec: { signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], username: liar, request: ${request} }`);
  }
  runLines(server, [
    ['get csr first', /^first +\d+s +kubernetes\.io\/kube-apiserver-client +(?!liar)\S+ +<none> +Pending$/m],
    ['certificate approve first', 'certificatesigningrequest.certificates.k8s.io/first approved'],
    ['certificate deny second', 'certificatesigningrequest.certificates.k8s.io/second denied'],
    ['certificate deny first', /certificate signing request "first" is already Approved/, 'fails'],
    ['get csr first', /Approved(,Issued)?$/m],
    ['get csr second', /Denied$/m],
    ['describe csr first', /Common Name: +jane/],
    ['certificate approve nope', /certificatesigningrequests\.certificates\.k8s\.io "nope" not found/, 'fails'],
  ]);
});
