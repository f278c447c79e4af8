/** test/e2e/auth/certificates.go says what is demanded. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { checkOperations } from '../api-machinery/operations.ts';
import type { Suite } from '../suite.ts';

function makeRequest(): string {
  const args = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=e2e-test-user'];
  const { status, stdout, stderr } = spawnSync('openssl', args);
  assert.equal(status, 0, String(stderr));
  return stdout.toString('base64');
}

export default function register({ conformance }: Suite): void {
  conformance(
    '[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations',
    async world => {
      const request = makeRequest();
      const place = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' };
      const object = (name: string) => ({
        metadata: { name },
        spec: { request, signerName: 'example.com/e2e-signer', usages: ['client auth'], expirationSeconds: 3600 },
      });
      await checkOperations(world, {
        ...{ ...place, object, subresources: ['approval'] },
        status: reason => ({ conditions: [{ type: 'StatusSet', status: 'True', reason, message: 'Set by a test' }] }),
      });
      const { api } = world;
      const path = `/apis/certificates.k8s.io/v1/certificatesigningrequests/${world.unique('approved')}`;
      world.cleanUp(() => api.delete(path));
      const made = await api.create(path.slice(0, path.lastIndexOf('/')), object(world.unique('approved')));
      assert.equal(made.spec.username, 'system:admin');
      const conditions = (type: string) => ({
        status: { conditions: [{ type, status: 'True', reason: 'E2E', message: 'm' }] },
      });
      const read = await api.get(`${path}/approval`);
      assert.deepEqual(read.spec, made.spec);
      const patched = await api.patch(`${path}/approval`, conditions('ApprovalPatch'));
      assert.deepEqual(
        patched.status.conditions.map((one: { type: string }) => one.type),
        ['ApprovalPatch'],
      );
      const approved = await api.update(`${path}/approval`, { ...patched, ...conditions('Approved') });
      assert.equal(approved.status.conditions[0].type, 'Approved');
    },
  );
}
