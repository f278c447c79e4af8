import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '#api';
import { evaluatePod } from './pod-security.ts';

type Level = 'baseline' | 'restricted';

/** A container that the restricted level allows. */
function container(name: string, securityContext: Container['securityContext']): Container {
  const strict: Container['securityContext'] = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  return { name, securityContext: { ...strict, ...securityContext } };
}

function pod(spec: Partial<Pod['spec']>, metadata: object = {}): Pod {
  return { metadata: { name: 'web', namespace: 'team', ...metadata }, spec: { containers: [], ...spec } };
}

test('a user namespace relaxes some checks since 1.35, and of the restricted level not all', () => {
  const root = { hostUsers: false, containers: [container('a', { runAsNonRoot: false, runAsUser: 0 })] };
  const unmasked = { hostUsers: false, containers: [container('a', { procMount: 'Unmasked' })] };
  const mount = 'procMount (container "a" must not set securityContext.procMount to "Unmasked")';
  const nonRoot = 'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)';
  const cases: readonly (readonly [Level, number | undefined, Partial<Pod['spec']>, string | undefined])[] = [
    ['restricted', 34, root, `${nonRoot}, runAsUser=0 (container "a" must not set runAsUser=0)`],
    ['restricted', 22, root, nonRoot],
    ['restricted', 35, root, undefined],
    ['baseline', 34, unmasked, mount],
    ['baseline', 35, unmasked, undefined],
    ['restricted', 34, unmasked, mount],
    ['restricted', undefined, unmasked, mount],
  ];
  for (const [level, minor, spec, expected] of cases) {
    assert.equal(evaluatePod({ level, minor }, pod(spec)), expected, `${level} ${minor}`);
  }
});

test('profiles that annotations name are judged', () => {
  const armor = 'container.apparmor.security.beta.kubernetes.io/';
  const annotated = (annotations: Record<string, string>, spec: Partial<Pod['spec']> = {}) =>
    pod({ containers: [{ name: 'a' }], ...spec }, { annotations });
  const baseline = (minor: number | undefined, given: Pod) => evaluatePod({ level: 'baseline', minor }, given);
  assert.equal(
    baseline(undefined, annotated({ [`${armor}b`]: 'unconfined', [`${armor}a`]: 'x', [`${armor}c`]: 'localhost/x' })),
    `forbidden AppArmor profiles (annotations must not set AppArmor profile type to "${armor}a="x"", "${armor}b="unconfined"")`,
  );
  const unconfined = { securityContext: { appArmorProfile: { type: 'Unconfined' } } };
  assert.equal(
    baseline(undefined, annotated({ [`${armor}a`]: 'x' }, unconfined)),
    `forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", "${armor}a="x"")`,
  );
  const seccomp = 'seccomp.security.alpha.kubernetes.io/pod';
  const bad = { [seccomp]: 'unconfined', 'container.seccomp.security.alpha.kubernetes.io/a': 'docker/default' };
  assert.equal(baseline(18, annotated(bad)), `seccompProfile (forbidden annotation ${seccomp}="unconfined")`);
  assert.equal(baseline(19, annotated(bad)), undefined);
});
