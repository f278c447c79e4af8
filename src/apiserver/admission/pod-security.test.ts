import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Container, type Pod, resources } from '#api';
import { createMeter } from '#base';
import { createFakeReader } from '../access/testing.ts';
import { createPodSecurity, evaluatePod } from './pod-security.ts';
import { defaultPodSecurity, type PodSecurityConfig } from './pod-security-config.ts';
import { allPrivileged } from './pod-security-policy.ts';
import { createTestRequest, runPlugin } from './testing.ts';

type Level = 'privileged' | 'baseline' | 'restricted';

/** A container that the restricted level allows. */
function container(
  name: string,
  securityContext: Container['securityContext'] = {},
  more: Partial<Container> = {},
): Container {
  return {
    name,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
      ...securityContext,
    },
    ...more,
  };
}

function pod(spec: Partial<Pod['spec']> = {}, metadata: object = {}): Pod {
  return { metadata: { name: 'web', namespace: 'team', ...metadata }, spec: { containers: [container('a')], ...spec } };
}

const bare = (name: string, more: Partial<Container> = {}): Container => ({ name, ...more });

/** Level, version, pod, and what is said against it. */
const table: readonly [Level, number | undefined, Partial<Pod['spec']>, string | undefined][] = [
  ['restricted', undefined, {}, undefined],
  ['baseline', undefined, { containers: [bare('a')] }, undefined],
  ['privileged', undefined, { hostNetwork: true }, undefined],
  ['baseline', undefined, { hostNetwork: true, hostPID: true }, 'host namespaces (hostNetwork=true, hostPID=true)'],
  [
    'restricted',
    undefined,
    { containers: [bare('a'), bare('b')] },
    'allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or containers "a", "b" must set securityContext.runAsNonRoot=true), seccompProfile (pod or containers "a", "b" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ],
  [
    'baseline',
    undefined,
    { containers: [container('a', { privileged: true })] },
    'privileged (container "a" must not set securityContext.privileged=true)',
  ],
  [
    'baseline',
    undefined,
    {
      volumes: [
        { name: 'v', hostPath: { path: '/' } },
        { name: 'w', hostPath: { path: '/' } },
      ],
    },
    'hostPath volumes (volumes "v", "w")',
  ],
  [
    'restricted',
    undefined,
    {
      volumes: [
        { name: 'v', hostPath: { path: '/' } },
        { name: 'w', nfs: { path: '/', server: 's' } },
        { name: 'x', emptyDir: {} },
      ],
    },
    'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
  ],
  [
    'baseline',
    undefined,
    {
      containers: [
        bare('a', {
          ports: [
            { containerPort: 1, hostPort: 80 },
            { containerPort: 2, hostPort: 443 },
          ],
        }),
      ],
    },
    'hostPort (container "a" uses hostPorts 443, 80)',
  ],
  [
    'baseline',
    undefined,
    { containers: [container('a', { capabilities: { add: ['NET_ADMIN', 'CHOWN'] } })] },
    'non-default capabilities (container "a" must not include "NET_ADMIN" in securityContext.capabilities.add)',
  ],
  [
    'restricted',
    undefined,
    { containers: [container('a', { capabilities: { drop: ['ALL'], add: ['CHOWN', 'NET_BIND_SERVICE'] } })] },
    'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
  ],
  [
    'baseline',
    undefined,
    { securityContext: { seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    'baseline',
    undefined,
    { securityContext: { appArmorProfile: { type: 'Unconfined' } } },
    'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
  ],
  [
    'baseline',
    undefined,
    { securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u' } } },
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  ],
  [
    'baseline',
    30,
    { securityContext: { seLinuxOptions: { type: 'container_engine_t' } } },
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "container_engine_t")',
  ],
  ['baseline', 31, { securityContext: { seLinuxOptions: { type: 'container_engine_t' } } }, undefined],
  [
    'baseline',
    undefined,
    { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
    'forbidden sysctls (kernel.msgmax)',
  ],
  [
    'baseline',
    28,
    { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_keepalive_time', value: '1' }] } },
    'forbidden sysctls (net.ipv4.tcp_keepalive_time)',
  ],
  ['baseline', 29, { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_keepalive_time', value: '1' }] } }, undefined],
  [
    'baseline',
    undefined,
    { containers: [container('a', { procMount: 'Unmasked' })] },
    'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    'baseline',
    undefined,
    { containers: [bare('a', { livenessProbe: { httpGet: { port: 80, host: '10.0.0.1' } } })] },
    'probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")',
  ],
  [
    'baseline',
    33,
    { containers: [bare('a', { livenessProbe: { httpGet: { port: 80, host: '10.0.0.1' } } })] },
    undefined,
  ],
  [
    'baseline',
    undefined,
    { securityContext: { windowsOptions: { hostProcess: true } } },
    'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
  ],
  [
    'restricted',
    undefined,
    { securityContext: { runAsUser: 0 }, containers: [container('a', { runAsUser: 0 })] },
    'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
  ],
  [
    'restricted',
    undefined,
    { containers: [container('a', { runAsNonRoot: false })] },
    'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
  ],
  [
    'restricted',
    undefined,
    { hostUsers: false, containers: [container('a', { runAsNonRoot: false, runAsUser: 0 })] },
    undefined,
  ],
  [
    'restricted',
    undefined,
    {
      initContainers: [
        bare('init', {
          securityContext: {
            runAsNonRoot: true,
            seccompProfile: { type: 'Localhost' },
            capabilities: { drop: ['ALL'] },
          },
        }),
      ],
    },
    'allowPrivilegeEscalation != false (container "init" must set securityContext.allowPrivilegeEscalation=false)',
  ],
];

test('each level says what it has against a pod, in the words of upstream', () => {
  for (const [level, minor, spec, expected] of table) {
    assert.equal(evaluatePod({ level, minor }, pod(spec)), expected, JSON.stringify(spec));
  }
});

function world(labels: Record<string, string>, config?: PodSecurityConfig) {
  const reader = createFakeReader();
  const meter = createMeter();
  reader.put(resources.namespaces, { metadata: { name: 'team', labels }, spec: {} });
  const plugin = createPodSecurity(reader, { meter, config });
  return { reader, plugin, meter };
}
const label = (mode: string, value: string) => ({ [`pod-security.kubernetes.io/${mode}`]: value });
const privileged = { containers: [container('a', { privileged: true })] };

test('enforce refuses pods, warn warns, and templates are only warned about', async () => {
  const { plugin } = world({
    ...label('enforce', 'baseline'),
    ...label('enforce-version', 'v1.30'),
    ...label('warn', 'restricted'),
  });
  const refused = createTestRequest(resources.pods, { object: pod(privileged) });
  assert.equal(
    await runPlugin(plugin, refused),
    'pods "web" is forbidden: violates PodSecurity "baseline:v1.30": privileged (container "a" must not set securityContext.privileged=true)',
  );
  assert.deepEqual(refused.warnings, []);
  const warned = createTestRequest(resources.pods, {
    object: pod({ containers: [container('a', { runAsNonRoot: false })] }),
  });
  assert.equal(await runPlugin(plugin, warned), undefined);
  assert.deepEqual(warned.warnings, [
    'would violate PodSecurity "restricted:latest": runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
  ]);
  const template = { metadata: {}, spec: pod(privileged).spec };
  const deployment = createTestRequest(resources.deployments, {
    object: { metadata: { name: 'd', namespace: 'team' }, spec: { selector: {}, template } } as never,
  });
  const plain = { ...deployment, namespace: 'team' };
  assert.equal(await runPlugin(plugin, plain), undefined);
  assert.match(deployment.warnings[0] ?? '', /^would violate PodSecurity "restricted:latest": privileged/);
});

test('a namespace without labels allows everything, and changes that do not matter are not judged', async () => {
  const free = createTestRequest(resources.pods, { object: pod(privileged) });
  assert.equal(await runPlugin(world({}).plugin, free), undefined);
  const { plugin } = world(label('enforce', 'restricted'));
  const update = (image: string) =>
    createTestRequest(resources.pods, {
      operation: 'UPDATE',
      old: pod({ containers: [bare('a', { image: 'x' })] }),
      object: pod({ containers: [bare('a', { image })] }, { labels: { a: 'b' } }),
    });
  assert.equal(await runPlugin(plugin, update('x')), undefined);
  assert.match((await runPlugin(plugin, update('y'))) ?? '', /violates PodSecurity "restricted:latest"/);
});

test('wrong labels are refused, a stricter level is tried on the pods that are there', async () => {
  const { reader, plugin } = world({});
  const bad = createTestRequest(resources.namespaces, {
    object: {
      metadata: { name: 'x', labels: { ...label('enforce', 'strict'), ...label('warn-version', '1.30') } },
      spec: {},
    },
  });
  assert.equal(
    await runPlugin(plugin, bad),
    'Namespace "x" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"]',
  );
  reader.put(
    resources.pods,
    pod(privileged, { name: 'one' }),
    pod(privileged, { name: 'two' }),
    pod({}, { name: 'good' }),
  );
  const update = createTestRequest(resources.namespaces, {
    operation: 'UPDATE',
    old: { metadata: { name: 'team' }, spec: {} },
    object: { metadata: { name: 'team', labels: label('enforce', 'baseline') }, spec: {} },
  });
  assert.equal(await runPlugin(plugin, update), undefined);
  assert.deepEqual(update.warnings, [
    'existing pods in namespace "team" violate the new PodSecurity enforce level "baseline:latest"',
    'one (and 1 other pod): privileged',
  ]);
});

test('without labels the configuration counts, and its exemptions are not judged', async () => {
  const config = {
    ...defaultPodSecurity,
    defaults: { ...allPrivileged, enforce: { level: 'baseline', minor: 30 } as const },
    usernames: new Set(['builder']),
    runtimeClasses: new Set(['gvisor']),
  };
  const { plugin, meter } = world({}, config);
  const ask = async (plugin: Parameters<typeof runPlugin>[0], spec: Partial<Pod['spec']>, user = 'somebody') => {
    const annotations: Record<string, string> = {};
    const request = createTestRequest(resources.pods, { object: pod(spec), user: { name: user, groups: [] } });
    const refusal = await runPlugin(plugin, { ...request, annotate: (key, value) => (annotations[key] = value) });
    return { refusal, annotations };
  };
  const prefix = 'pod-security.kubernetes.io/';
  assert.match((await ask(plugin, privileged)).refusal ?? '', /violates PodSecurity "baseline:v1\.30": privileged/);
  assert.deepEqual(await ask(plugin, privileged, 'builder'), {
    refusal: undefined,
    annotations: { [`${prefix}exempt`]: 'user' },
  });
  assert.deepEqual(await ask(plugin, { ...privileged, runtimeClassName: 'gvisor' }), {
    refusal: undefined,
    annotations: { [`${prefix}exempt`]: 'runtimeClass' },
  });
  const exempt = world(label('enforce', 'restricted'), { ...config, namespaces: new Set(['team']) });
  assert.deepEqual(await ask(exempt.plugin, privileged), {
    refusal: undefined,
    annotations: { [`${prefix}exempt`]: 'namespace' },
  });
  const text = await meter.text();
  assert.match(text, /^pod_security_exemptions_total\{request_operation="create",resource="pod",subresource=""\} 2$/m);
  assert.match(
    text,
    /^pod_security_evaluations_total\{decision="deny",policy_level="baseline",policy_version="v1\.30",mode="enforce",.*\} 1$/m,
  );
  const update = createTestRequest(resources.namespaces, {
    operation: 'UPDATE',
    old: { metadata: { name: 'team' }, spec: {} },
    object: { metadata: { name: 'team', labels: label('enforce', 'restricted') }, spec: {} },
  });
  assert.equal(await runPlugin(exempt.plugin, update), undefined);
  assert.deepEqual(update.warnings, [
    'namespace "team" is exempt from Pod Security, and the policy (enforce=restricted:v1.30) will be ignored',
  ]);
});

test('what is enforced is warned of in templates, unless the labels say what to warn of', async () => {
  const template = { metadata: {}, spec: pod(privileged).spec };
  const object = { metadata: { name: 'd', namespace: 'team' }, spec: { selector: {}, template } } as never;
  const warnings = async (labels: Record<string, string>) => {
    const request = createTestRequest(resources.deployments, { object });
    assert.equal(await runPlugin(world(labels).plugin, { ...request, namespace: 'team' }), undefined);
    return request.warnings;
  };
  const enforced = { ...label('enforce', 'baseline'), ...label('enforce-version', 'v1.30') };
  const [warning] = await warnings(enforced);
  assert.match(warning ?? '', /^would violate PodSecurity "baseline:v1\.30": privileged/);
  assert.deepEqual(await warnings({ ...enforced, ...label('warn', 'privileged') }), []);
});

test('labels that cannot be read enforce the strictest, and the audit log says so', async () => {
  const annotations: Record<string, string> = {};
  const request = createTestRequest(resources.pods, { object: pod({ containers: [bare('a')] }) });
  const { plugin, meter } = world(label('enforce', 'strict'));
  const refusal = await runPlugin(plugin, { ...request, annotate: (key, value) => (annotations[key] = value) });
  assert.match(refusal ?? '', /violates PodSecurity "restricted:latest"/);
  assert.equal(
    annotations['pod-security.kubernetes.io/error'],
    'Failed to parse policy: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
  );
  assert.match(await meter.text(), /^pod_security_errors_total\{fatal="false",.*\} 1$/m);
});
