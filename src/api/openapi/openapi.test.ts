import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Steps } from '#base';
import { atOnce } from '#base';
import { createScheme } from '../create-scheme.ts';
import type { Document } from './assemble.ts';
import { createOpenApi } from './documents.ts';

type Json = Record<string, never> & { [key: string]: Json };

const openApi = createOpenApi(createScheme(new Map()), {
  version: 'v1.36.0',
  descriptions: { 'io.k8s.api.apps.v1.DeploymentSpec.replicas': 'How many.' },
});
const read = (document: Steps<Document> | undefined): Json => JSON.parse(atOnce(document!).bytes.toString());

test('every group version has a document, found through the index by its hash', () => {
  const paths = read(openApi.index())['paths']!;
  assert.equal(
    paths['apis/apps/v1']!['serverRelativeURL'],
    `/openapi/v3/apis/apps/v1?hash=${atOnce(openApi.v3('apis/apps/v1')!).hash}`,
  );
  assert.ok(paths['api/v1']);
  assert.equal(openApi.v3('apis/nothing/v1'), undefined);
});

for (const [style, document, schemas] of [
  ['v2', () => read(openApi.v2()), (json: Json) => json['definitions']!],
  ['v3', () => read(openApi.v3('apis/apps/v1')), (json: Json) => json['components']!['schemas']!],
] as const) {
  test(`${style}: every reference leads to a schema`, () => {
    const json = document();
    const known = schemas(json);
    const references = [
      ...JSON.stringify(json).matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]+)"/g),
    ].map(match => match[1]!);
    assert.ok(references.length > 100);
    assert.deepEqual(
      references.filter(name => !known[name]),
      [],
    );
  });

  test(`${style}: a Deployment has its kind, its descriptions, and a patch that takes fieldValidation`, () => {
    const json = document();
    const deployment = schemas(json)['io.k8s.api.apps.v1.Deployment']!;
    assert.deepEqual(deployment['x-kubernetes-group-version-kind'], [
      { group: 'apps', version: 'v1', kind: 'Deployment' },
    ]);
    assert.equal(
      schemas(json)['io.k8s.api.apps.v1.DeploymentSpec']!['properties']!['replicas']!['description'],
      'How many.',
    );
    const { patch } = json['paths']!['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']!;
    assert.deepEqual(patch!['x-kubernetes-group-version-kind'], { group: 'apps', version: 'v1', kind: 'Deployment' });
    const names = (patch!['parameters'] as unknown as { name: string }[]).map(parameter => parameter.name);
    assert.ok(names.includes('fieldValidation') && names.includes('dryRun'));
  });
}
