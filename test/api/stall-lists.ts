/** Lists and watches of many objects, in all forms. */
import type { Call } from './fixture.ts';
import type { StallCase } from './stall-cases.ts';
import { pods, post, times } from './stall-cases.ts';

const selector = encodeURIComponent(times(10_000, index => `key${index} notin (a,b,c)`).join(','));
const values = encodeURIComponent(`app in (${times(5_000, index => `v${index}`).join(',')})`);

/** Creations of pods, in batches of which each may be sent at once. */
export function* manyPods(count: number, batch: number): Generator<Call[]> {
  const env = times(30, index => ({ name: `N${index}`, value: 'v'.repeat(40) }));
  const spec = { containers: [{ name: 'c', image: 'example.com/image:1', env }] };
  for (let start = 0; start < count; start += batch) {
    yield times(batch, index => {
      const metadata = { name: `pod-${start + index}`, labels: { app: 'many' } };
      return post(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
    });
  }
}

export const listCases: readonly StallCase[] = [
  {
    name: 'a list with 10,000 requirements in the URL',
    call: { path: `${pods}?labelSelector=${selector}` },
    status: [200, 400, 414, 431],
  },
  {
    name: 'a list with 300 requirements',
    call: {
      path: `${pods}?labelSelector=${encodeURIComponent(times(300, index => `k${index} notin (a,b)`).join(','))}`,
    },
    status: [200, 400, 414, 431],
  },
  {
    name: 'a list with 1,500 values',
    call: { path: `${pods}?labelSelector=${values.slice(0, 12000)})` },
    status: [200, 400, 414, 431],
  },
  { name: '3,000 pods as JSON', call: { path: pods }, status: 200 },
  { name: '3,000 pods as YAML', call: { path: pods, headers: { accept: 'application/yaml' } }, status: 200 },
  {
    name: '3,000 pods as a table',
    call: { path: pods, headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } },
    status: 200,
  },
  {
    name: '3,000 pods as a table with objects',
    call: { path: `${pods}?includeObject=Object`, headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } },
    status: 200,
  },
  {
    name: '3,000 pods as metadata',
    call: { path: pods, headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' } },
    status: 200,
  },
  {
    name: '3,000 pods as protobuf',
    call: { path: pods, headers: { accept: 'application/vnd.kubernetes.protobuf' } },
    status: 200,
  },
  { name: '3,000 pods as pretty JSON', call: { path: `${pods}?pretty=true` }, status: 200 },
  { name: '3,000 pods as compressed JSON', call: { path: pods, headers: { 'accept-encoding': 'gzip' } }, status: 200 },
  { name: '3,000 pods by a selector', call: { path: `${pods}?labelSelector=app%3Dmany` }, status: 200 },
  { name: '3,000 pods by a field', call: { path: `${pods}?fieldSelector=spec.nodeName%3Dnone` }, status: 200 },
  { name: 'a watch from nothing of 3,000 pods', call: { path: `${pods}?watch=true&timeoutSeconds=1` }, status: 200 },
  {
    name: 'a watch of 3,000 pods as tables',
    call: {
      path: `${pods}?watch=true&timeoutSeconds=1`,
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    },
    status: 200,
  },
  { name: 'deletion of 3,000 pods', call: { method: 'DELETE', path: `${pods}?gracePeriodSeconds=0` }, status: 200 },
];
