/** test/e2e/apimachinery/discovery.go, aggregated_discovery.go and table_conversion.go say what is demanded. */
import assert from 'node:assert/strict';
import type { Api, Json } from '../api.ts';
import type { Suite, World } from '../suite.ts';

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const documents = ['/api', '/apis'] as const;

/** Resources that every cluster has, by group and version. */
const builtIn: readonly [group: string, version: string, resource: string][] = [
  ['', 'v1', 'namespaces'],
  ['', 'v1', 'pods'],
  ['admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations'],
  ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions'],
  ['apps', 'v1', 'deployments'],
  ['authentication.k8s.io', 'v1', 'tokenreviews'],
  ['authorization.k8s.io', 'v1', 'selfsubjectaccessreviews'],
  ['autoscaling', 'v1', 'horizontalpodautoscalers'],
  ['batch', 'v1', 'jobs'],
  ['certificates.k8s.io', 'v1', 'certificatesigningrequests'],
  ['coordination.k8s.io', 'v1', 'leases'],
  ['discovery.k8s.io', 'v1', 'endpointslices'],
  ['networking.k8s.io', 'v1', 'ingresses'],
  ['policy', 'v1', 'poddisruptionbudgets'],
  ['rbac.authorization.k8s.io', 'v1', 'clusterroles'],
  ['scheduling.k8s.io', 'v1', 'priorityclasses'],
  ['storage.k8s.io', 'v1', 'storageclasses'],
];

async function readAggregated(world: World, accept: string): Promise<Json[]> {
  const items: Json[] = [];
  for (const path of documents) {
    const answer = await world.api.send({ path, accept });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], aggregated);
    assert.equal(answer.body.kind, 'APIGroupDiscoveryList');
    items.push(...answer.body.items);
  }
  return items;
}

function has(items: readonly Json[], [group, version, resource]: readonly [string, string, string]): boolean {
  const versions = items.filter(item => (item.metadata?.name ?? '') === group).flatMap(item => item.versions);
  const found = versions.find(one => one.version === version);
  return Boolean(found?.resources.some((one: Json) => one.resource === resource));
}

/** Without those that other tests make and delete meanwhile. */
const lastingGroups = async (api: Api): Promise<Json[]> =>
  (await api.get('/apis')).groups.filter((group: Json) => !group.name.endsWith('example.com'));

export default function register({ conformance }: Suite): void {
  const name = '[sig-api-machinery] Discovery should';
  conformance(`${name} locate the groupVersion and a resource within each APIGroup`, async ({ api }) => {
    for (const group of await lastingGroups(api)) {
      for (const { groupVersion } of group.versions) {
        const list = await api.get(`/apis/${groupVersion}`);
        assert.equal(list.groupVersion, groupVersion);
        assert.ok(list.resources.length > 0, groupVersion);
      }
    }
  });

  conformance(`${name} validate PreferredVersion for each APIGroup`, async ({ api }) => {
    const groups = await lastingGroups(api);
    assert.ok(groups.length > 10);
    for (const group of groups) {
      const own = await api.get(`/apis/${group.name}`);
      const versions = own.versions.map((one: Json) => one.groupVersion);
      assert.ok(versions.includes(own.preferredVersion.groupVersion), group.name);
      assert.deepEqual(group.preferredVersion, own.preferredVersion);
    }
  });

  const raw = '[sig-api-machinery] AggregatedDiscovery should support';
  conformance(`${raw} raw aggregated discovery endpoint Accept headers`, async world => {
    const items = await readAggregated(world, aggregated);
    for (const one of builtIn) assert.ok(has(items, one), one.join(' '));
  });

  conformance(`${raw} aggregated discovery interface`, async world => {
    // As clients ask that also know the older form.
    const items = await readAggregated(world, `${aggregated},application/json;q=0.9`);
    for (const one of builtIn) assert.ok(has(items, one), one.join(' '));
    const plain = await world.api.send({ path: '/apis', accept: 'application/json' });
    assert.equal(plain.body.kind, 'APIGroupList');
  });

  conformance(
    '[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata',
    async ({ api }) => {
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' } },
      };
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      const answer = await api.send({ method: 'POST', path, body, accept });
      assert.equal(answer.status, 406, JSON.stringify(answer.body));
      assert.equal(answer.body.reason, 'NotAcceptable');
    },
  );
}
