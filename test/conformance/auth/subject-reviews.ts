/** test/e2e/auth/subjectreviews.go says what is demanded. */
import assert from 'node:assert/strict';
import type { Suite } from '../suite.ts';

export default function register({ conformance }: Suite): void {
  conformance('[sig-auth] SubjectReview should support SubjectReview API operations', async world => {
    const { api, namespace } = world;
    await api.create(world.inNamespace('serviceaccounts'), { metadata: { name: 'asker' } });
    const user = `system:serviceaccount:${namespace}:asker`;
    const groups = ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${namespace}`];
    const attributes = { namespace, verb: 'list', resource: 'configmaps', version: 'v1' };
    const spec = { user, resourceAttributes: attributes };
    const reviews = '/apis/authorization.k8s.io/v1';
    const local = `${reviews}/namespaces/${namespace}/localsubjectaccessreviews`;
    const isAllowed = async () => {
      const wide = await api.create(`${reviews}/subjectaccessreviews`, { spec });
      const near = await api.create(local, { metadata: { namespace }, spec });
      assert.equal(wide.status.allowed, near.status.allowed);
      return wide.status.allowed as boolean;
    };
    const ask = async () => {
      const headers = { 'impersonate-user': user, 'impersonate-group': groups[0]! };
      return (await api.send({ path: world.inNamespace('configmaps'), headers })).status;
    };
    assert.deepEqual([await isAllowed(), await ask()], [false, 403]);
    const rbac = 'rbac.authorization.k8s.io/v1';
    await api.create(world.inNamespace('rolebindings', rbac), {
      metadata: { name: 'view' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'asker', namespace }],
    });
    assert.deepEqual([await isAllowed(), await ask()], [true, 200]);
    const other = await api.send({
      ...{ method: 'POST', path: local, body: { metadata: { namespace: 'other' }, spec } },
    });
    assert.equal(other.status, 400);
  });
}
