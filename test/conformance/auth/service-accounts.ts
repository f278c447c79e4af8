/** test/e2e/auth/service_accounts.go says what is demanded. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import { shellPod, untilDone } from '../pods.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '[sig-auth] ServiceAccounts';
const folder = '/var/run/secrets/kubernetes.io/serviceaccount';

export default function register({ conformance }: Suite): void {
  conformance(`${group} should guarantee kube-root-ca.crt exist in any namespace`, async world => {
    const { api } = world;
    const path = `${world.inNamespace('configmaps')}/kube-root-ca.crt`;
    const read = () =>
      eventually('it is there', async () => {
        const { status, body } = await api.send({ path });
        return status === 200 && body.data['ca.crt']?.startsWith('-----BEGIN CERTIFICATE-----') && body;
      });
    const first = await read();
    await api.delete(path);
    const again = await eventually('it is made anew', async () => {
      const { status, body } = await api.send({ path });
      return status === 200 && body.metadata.uid !== first.metadata.uid && body;
    });
    assert.equal(again.data['ca.crt'], first.data['ca.crt']);
    await api.patch(path, { data: { 'ca.crt': '' } });
    assert.equal((await read()).data['ca.crt'], first.data['ca.crt']);
  });

  conformance(`${group} should run through the lifecycle of a ServiceAccount`, async world => {
    const { api } = world;
    const path = world.inNamespace('serviceaccounts');
    const selector = `labelSelector=${encodeURIComponent('test-serviceaccount-static=true')}`;
    using watch = await api.watch(`${path}?${selector}`);
    await api.create(path, { metadata: { name: 'one', labels: { 'test-serviceaccount-static': 'true' } } });
    assert.equal((await watch.next()).type, 'ADDED');
    await api.patch(`${path}/one`, { automountServiceAccountToken: false }, 'strategic');
    const { items } = await api.get(`/api/v1/serviceaccounts?${selector}`);
    const own = items.find((item: Json) => item.metadata.namespace === world.namespace);
    assert.equal(own.automountServiceAccountToken, false);
    await api.delete(`${path}?${selector}`);
    await watch.next(event => event.type === 'DELETED');
  });

  conformance(`${group} should create a serviceAccountToken and ensure a successful TokenReview`, async world => {
    const { api } = world;
    const made = await api.create(world.inNamespace('serviceaccounts'), { metadata: { name: 'asker' } });
    const path = `${world.inNamespace('serviceaccounts')}/asker/token`;
    const { status } = await api.create(path, { spec: { expirationSeconds: 3600 } });
    const reviews = '/apis/authentication.k8s.io/v1/tokenreviews';
    const review = await api.create(reviews, { spec: { token: status.token } });
    assert.equal(review.status.authenticated, true);
    assert.equal(review.status.error, undefined);
    assert.equal(review.status.user.username, `system:serviceaccount:${world.namespace}:asker`);
    assert.equal(review.status.user.uid, made.metadata.uid);
    await api.delete(`${world.inNamespace('serviceaccounts')}/asker`);
    const after = await api.create(reviews, { spec: { token: status.token } });
    assert.ok(!after.status.authenticated && after.status.error, JSON.stringify(after.status));
  });

  conformance(`${group} should update a ServiceAccount`, async world => {
    const path = world.inNamespace('serviceaccounts');
    const made = await world.api.create(path, { metadata: { name: 'one' } });
    assert.equal(made.automountServiceAccountToken, undefined);
    const updated = await world.api.update(`${path}/one`, { ...made, automountServiceAccountToken: true });
    assert.equal(updated.automountServiceAccountToken, true);
  });

  conformance(`${group} should allow opting out of API token automount`, async world => {
    const mounts = [undefined, true, false];
    for (const [index, automount] of mounts.entries()) {
      await world.api.create(world.inNamespace('serviceaccounts'), {
        metadata: { name: `account-${index}` },
        automountServiceAccountToken: automount,
      });
    }
    for (const [index, byAccount] of mounts.entries()) {
      for (const byPod of mounts) {
        const spec = { serviceAccountName: `account-${index}`, automountServiceAccountToken: byPod };
        const name = `pod-${index}-${byPod}`;
        const pod = await world.api.create(
          world.inNamespace('pods'),
          shellPod(name, 'true', { ...spec, nodeSelector: { no: 'node' } }),
        );
        const paths = (pod.spec.containers[0].volumeMounts ?? []).map((mount: Json) => mount.mountPath);
        const wanted = byPod ?? byAccount ?? true;
        assert.deepEqual(paths, wanted ? [folder] : [], name);
      }
    }
  });

  conformance(
    `${group} should mount an API token into pods`,
    async world => {
      const script = `cat ${folder}/token; echo; echo ====; cat ${folder}/ca.crt; echo ====; cat ${folder}/namespace`;
      await world.api.create(world.inNamespace('pods'), shellPod('mounts', script));
      const [token = '', authority = '', namespace] = (await untilDone(world, 'mounts')).split('====\n');
      const path = '/apis/authentication.k8s.io/v1/tokenreviews';
      const { status } = await world.api.create(path, { spec: { token: token.trim() } });
      assert.equal(status.user.username, `system:serviceaccount:${world.namespace}:default`);
      assert.ok(status.user.groups.includes(`system:serviceaccounts:${world.namespace}`));
      const map = await world.api.get(`${world.inNamespace('configmaps')}/kube-root-ca.crt`);
      assert.equal(authority.trim(), map.data['ca.crt'].trim());
      assert.equal(namespace, world.namespace);
    },
    { pods: true },
  );

  conformance(
    `${group} should mount projected service account token`,
    async world => {
      const source = { serviceAccountToken: { path: 'token', expirationSeconds: 3600, audience: 'api' } };
      const pod = shellPod(
        'projected',
        'cat /var/run/secrets/tokens/token; stat -c %a -L /var/run/secrets/tokens/token',
        {
          volumes: [{ name: 'tokens', projected: { sources: [source] } }],
        },
      );
      pod.spec.containers[0].volumeMounts = [{ name: 'tokens', mountPath: '/var/run/secrets/tokens' }];
      await world.api.create(world.inNamespace('pods'), pod);
      const text = await untilDone(world, 'projected');
      const payload = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());
      assert.deepEqual(payload.aud, ['api']);
      assert.equal(payload['kubernetes.io'].pod.name, 'projected');
      assert.equal(payload.exp - payload.iat, 3600);
    },
    { pods: true },
  );

  conformance(
    `${group} ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer`,
    async world => {
      const token = await tokenOf(world);
      // As who a pod is: every service account may read how tokens are checked.
      using account = world.api.as(token);
      const config = await account.get('/.well-known/openid-configuration');
      const [head = '', claims = ''] = token.split('.').map(part => Buffer.from(part, 'base64url').toString());
      assert.equal(JSON.parse(claims).iss, config.issuer);
      const { keys } = await account.get(new URL(config.jwks_uri).pathname);
      const { kid, alg } = JSON.parse(head);
      assert.ok(config.id_token_signing_alg_values_supported.includes(alg));
      const { createLocalJWKSet, jwtVerify } = await import('jose');
      assert.ok(keys.some((key: Json) => key.kid === kid));
      const verified = await jwtVerify(token, createLocalJWKSet({ keys }), { issuer: config.issuer });
      assert.equal(verified.payload.sub, `system:serviceaccount:${world.namespace}:default`);
    },
  );
}

async function tokenOf(world: World): Promise<string> {
  const path = `${world.inNamespace('serviceaccounts')}/default/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
  return (await world.api.create(path, body)).status.token;
}
