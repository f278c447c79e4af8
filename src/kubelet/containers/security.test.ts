import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container, PodSpec } from '#api';
import { aPod } from '../testing.ts';
import { securityContext } from './security.ts';

type Image = Parameters<typeof securityContext>[0]['image'];

function made(
  own: Container['securityContext'] = {},
  whole: PodSpec['securityContext'] = {},
  image: Image = { username: '' },
) {
  const container: Container = { name: 'app', securityContext: own };
  const pod = aPod({ securityContext: whole, containers: [container] });
  return securityContext({ pod, container, image, seccompRoot: '/seccomp', volumeGroups: [] });
}

describe('the user', () => {
  test('is the container’s, then the pod’s, then the image’s', () => {
    assert.deepEqual(made({ runAsUser: 1 }, { runAsUser: 2 }).runAsUser, { value: 1 });
    assert.deepEqual(made({}, { runAsUser: 2 }, { uid: { value: 3 }, username: '' }).runAsUser, { value: 2 });
    assert.deepEqual(made({}, {}, { uid: { value: 3 }, username: '' }).runAsUser, { value: 3 });
    assert.equal(made({}, {}, { username: 'nobody' }).runAsUsername, 'nobody');
    assert.equal(made({ runAsUser: 0 }, { runAsUser: 2 }).runAsUser?.value, 0);
  });
  test('groups of the pod and of its volumes are given once', () => {
    const container: Container = { name: 'app' };
    const pod = aPod({ securityContext: { supplementalGroups: [5, 6] }, containers: [container] });
    const inputs = { pod, container, image: { username: '' }, seccompRoot: '', volumeGroups: [6, 7] };
    assert.deepEqual(securityContext(inputs).supplementalGroups, [5, 6, 7]);
  });
  test('the strict policy for groups reaches the runtime', () => {
    assert.equal(made({}, { supplementalGroupsPolicy: 'Strict' }).supplementalGroupsPolicy, 'Strict');
    assert.equal(made().supplementalGroupsPolicy, undefined);
  });
});

describe('runAsNonRoot', () => {
  const where = '(pod: "web_default(uid-1)", container: app)';
  const refused = (message: string, run: () => unknown) =>
    assert.throws(run, { name: 'ContainerConfigError', message: `${message} ${where}` });
  test('refuses user 0 however it is said', () => {
    refused("container's runAsUser breaks non-root policy", () => made({ runAsNonRoot: true, runAsUser: 0 }));
    const rootImage = { uid: { value: 0 }, username: '' };
    refused('container has runAsNonRoot and image will run as root', () => made({}, { runAsNonRoot: true }, rootImage));
    refused('container has runAsNonRoot and image will run as root', () => made({ runAsNonRoot: true }));
  });
  test('refuses a user of whom only the name is known', () => {
    refused('container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root', () =>
      made({ runAsNonRoot: true }, {}, { username: 'web' }),
    );
  });
  test('lets other users run, and the container’s word counts before the pod’s', () => {
    assert.deepEqual(made({ runAsNonRoot: true, runAsUser: 7 }).runAsUser, { value: 7 });
    assert.deepEqual(made({ runAsNonRoot: false }, { runAsNonRoot: true, runAsUser: 0 }).runAsUser, { value: 0 });
  });
});

describe('rights', () => {
  test('privilege escalation is forbidden only when it is said', () => {
    assert.equal(made({ allowPrivilegeEscalation: false }).noNewPrivs, true);
    assert.equal(made({ allowPrivilegeEscalation: true }).noNewPrivs, false);
    assert.equal(made().noNewPrivs, false);
  });
  test('seccomp is the container’s, then the pod’s, then none; never for a privileged one', () => {
    const runtimeDefault = { seccompProfile: { type: 'RuntimeDefault' } };
    assert.deepEqual(made().seccomp, { profileType: 'Unconfined' });
    assert.deepEqual(made({}, runtimeDefault).seccomp, { profileType: 'RuntimeDefault' });
    assert.deepEqual(made({ ...runtimeDefault, privileged: true }).seccomp, { profileType: 'Unconfined' });
    const localhost = { seccompProfile: { type: 'Localhost', localhostProfile: 'a/b.json' } };
    assert.deepEqual(made(localhost, runtimeDefault).seccomp, {
      ...{ profileType: 'Localhost', localhostRef: '/seccomp/a/b.json' },
    });
  });
  test('what tells of the node is masked, unless procMount is Unmasked', () => {
    assert.ok(made().maskedPaths?.includes('/proc/kcore'));
    assert.ok(made().readonlyPaths?.includes('/proc/sys'));
    assert.equal(made({ procMount: 'Unmasked' }).maskedPaths, undefined);
  });
  test('capabilities and the read-only root are handed on', () => {
    const found = made({ capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] }, readOnlyRootFilesystem: true });
    assert.deepEqual(found.capabilities, { addCapabilities: ['NET_ADMIN'], dropCapabilities: ['ALL'] });
    assert.equal(found.readonlyRootfs, true);
  });
});

test('namespaces are the node’s, the pod’s or the container’s own as the pod says', () => {
  const options = (spec: Partial<PodSpec>, targetId?: string) => {
    const container: Container = { name: 'app' };
    const inputs = { pod: aPod({ ...spec, containers: [container] }), container, image: { username: '' } };
    return securityContext({ ...inputs, seccompRoot: '', volumeGroups: [], targetId }).namespaceOptions;
  };
  assert.deepEqual(options({}), { network: 'POD', ipc: 'POD', pid: 'CONTAINER' });
  assert.deepEqual(options({ hostNetwork: true, hostIPC: true, hostPID: true }), {
    ...{ network: 'NODE', ipc: 'NODE', pid: 'NODE' },
  });
  assert.deepEqual(options({ shareProcessNamespace: true }).pid, 'POD');
  assert.deepEqual(options({}, 'c1'), { network: 'POD', ipc: 'POD', pid: 'TARGET', targetId: 'c1' });
});
