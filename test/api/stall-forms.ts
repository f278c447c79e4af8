/** Single large objects in other forms than JSON, as bodies and as answers. */
import { createProtobufCodec } from '#wire';
import type { Call } from './fixture.ts';
import type { StallCase } from './stall-cases.ts';
import {
  configMap,
  configMaps,
  custom,
  customPath,
  definition,
  definitions,
  many,
  openSchema,
  pods,
  post,
  times,
} from './stall-cases.ts';

const codec = createProtobufCodec();
const protobufType = 'application/vnd.kubernetes.protobuf';
const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const secrets = '/api/v1/namespaces/default/secrets';

function postProtobuf(path: string, object: object): Call {
  const body = codec.encode(object as Parameters<typeof codec.encode>[0]);
  return { method: 'POST', path, headers: { 'content-type': protobufType, accept: protobufType }, body };
}

function get(path: string, accept: string): Call {
  return { path, headers: { accept } };
}

function pod(name: string, containers: number): object {
  const env = times(4, index => ({ name: `NAME_${index}`, value: 'value' }));
  const spec = { containers: times(containers, index => ({ name: `c${index}`, image: 'example.com/image:1', env })) };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
}

export const formCases: readonly StallCase[] = [
  {
    name: 'a ConfigMap of 1 MB with 25,000 keys as protobuf',
    call: postProtobuf(configMaps, configMap('protobuf', many(950_000))),
    status: 201,
  },
  {
    name: 'a ConfigMap of 2.5 MB with 62,000 keys as protobuf',
    call: attempt => postProtobuf(configMaps, configMap(`larger-${attempt}`, many(2_500_000))),
    status: 201,
  },
  {
    name: 'a pod of 8,000 containers as protobuf',
    call: attempt => postProtobuf(pods, pod(`protobuf-${attempt}`, 8000)),
    status: [201, 422],
  },
  {
    name: 'a secret of 1 MB as protobuf',
    call: postProtobuf(secrets, {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'protobuf' } },
      data: { text: Buffer.alloc(1_000_000, 7).toString('base64') },
    }),
    status: 201,
  },
  { name: 'the ConfigMap read as protobuf', call: get(`${configMaps}/protobuf`, protobufType), status: 200 },
  { name: 'the ConfigMap read as YAML', call: get(`${configMaps}/protobuf`, 'application/yaml'), status: 200 },
  { name: 'the ConfigMap read as a table', call: get(`${configMaps}/protobuf`, tableType), status: 200 },
  { name: 'large ConfigMaps as a list in protobuf', call: get(configMaps, protobufType), status: 200 },
  { name: 'large ConfigMaps as a list in YAML', call: get(configMaps, 'application/yaml'), status: 200 },
  {
    name: 'large ConfigMaps as a watch in protobuf',
    call: get(`${configMaps}?watch=true&timeoutSeconds=1`, `${protobufType};stream=watch`),
    status: 200,
  },
  {
    name: 'a custom resource of 1.4 MB with 36,000 fields, read as YAML',
    before: [post(definitions, definition('forms', openSchema)), custom('forms', { data: many(1_400_000) })],
    ready: customPath('forms'),
    call: get(`${customPath('forms')}/one`, 'application/yaml'),
    status: 200,
  },
  {
    name: 'the same as a table with the object',
    call: get(`${customPath('forms')}/one?includeObject=Object`, tableType),
    status: 200,
  },
  { name: 'the same as pretty JSON', call: { path: `${customPath('forms')}/one?pretty=true` }, status: 200 },
  {
    name: 'deletion of a custom resource of 2.9 MB with 72,000 fields',
    change: attempt => [custom('forms', { data: many(2_900_000) }, `gone${attempt}`)],
    call: attempt => ({ method: 'DELETE', path: `${customPath('forms')}/gone${attempt}` }),
    status: 200,
  },
];
