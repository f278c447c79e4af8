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
const revisions = '/apis/apps/v1/namespaces/default/controllerrevisions';
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

const large = '?labelSelector=size%3Dlarge';
const partialType = (media: string) => `${media};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`;

/** Of 1 MB each with its managed fields, and with metadata that are long, too. */
function largeConfigMap(name: string): object {
  const { data, ...rest } = configMap(name, many(900_000)) as { data: object };
  const annotations = { notes: 'x'.repeat(100_000) };
  return { ...rest, metadata: { name, labels: { size: 'large' }, annotations }, data };
}

/** Managed fields as long as all else. */
const manyFields = { 'f:data': Object.fromEntries(times(20_000, index => [`f:field-${index}`, {}])) };
const managed = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'managed',
    managedFields: [
      { manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: manyFields },
    ],
  },
  data: many(400_000),
};

function properties(count: number): object {
  const one = (index: number) => [`field${index}`, { type: 'object', description: 'x'.repeat(40) }];
  return { type: 'object', properties: Object.fromEntries(times(count, one)) };
}

/** What is long is not where most of it is as a rule. */
const definitionOfItems = definition('protobufs', {
  type: 'array',
  items: properties(9000),
});

function deepObject(levels: number, fields: object): object {
  return levels === 0 ? fields : { a: deepObject(levels - 1, fields) };
}

export const formCases: readonly StallCase[] = [
  {
    name: 'a ConfigMap of 1 MB with 25,000 keys as protobuf',
    call: postProtobuf(configMaps, configMap('protobuf', many(950_000))),
    status: 201,
  },
  {
    name: 'a ConfigMap of 2.5 MB with 62,000 keys as protobuf',
    call: postProtobuf(configMaps, configMap('too-large', many(2_500_000))),
    status: 201,
  },
  {
    name: 'a pod of 8,000 containers as protobuf',
    call: postProtobuf(pods, pod('protobuf', 8000)),
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
    name: 'a custom resource of 400 KB, 100 levels deep, as YAML',
    before: [custom('forms', { data: deepObject(100, many(400_000)) }, 'deep')],
    call: get(`${customPath('forms')}/deep`, 'application/yaml'),
    status: 200,
  },
  {
    name: 'the same as pretty JSON, 100 levels deep',
    call: { path: `${customPath('forms')}/deep?pretty=true` },
    status: 200,
  },
  {
    name: 'five large custom resources as YAML',
    before: times(4, index => custom('forms', { data: many(1_400_000) }, `more-${index}`)),
    call: get(customPath('forms'), 'application/yaml'),
    status: 200,
  },
  {
    name: 'five large custom resources as a table with objects',
    call: get(`${customPath('forms')}?includeObject=Object`, tableType),
    status: 200,
  },
  {
    name: 'five large custom resources as pretty JSON',
    call: { path: `${customPath('forms')}?pretty=true` },
    status: 200,
  },
  {
    name: 'a watch of five large custom resources as tables with objects',
    call: get(`${customPath('forms')}?watch=true&timeoutSeconds=1&includeObject=Object`, tableType),
    status: 200,
  },
  {
    name: 'eight large ConfigMaps as protobuf',
    before: times(8, index => post(configMaps, largeConfigMap(`large-${index}`))),
    call: get(configMaps + large, protobufType),
    status: 200,
  },
  { name: 'eight large ConfigMaps as YAML', call: get(configMaps + large, 'application/yaml'), status: 200 },
  {
    name: 'eight large ConfigMaps as metadata in protobuf',
    call: get(configMaps + large, partialType(protobufType)),
    status: 200,
  },
  {
    name: 'a watch of eight large ConfigMaps as protobuf',
    call: get(`${configMaps}${large}&watch=true&timeoutSeconds=1`, `${protobufType};stream=watch`),
    status: 200,
  },
  {
    name: 'a watch of eight large ConfigMaps as metadata in protobuf',
    call: get(`${configMaps}${large}&watch=true&timeoutSeconds=1`, partialType(protobufType)),
    status: 200,
  },
  {
    name: 'a ConfigMap with managed fields of 400 KB as protobuf',
    call: postProtobuf(configMaps, managed),
    status: 201,
  },
  { name: 'its metadata as protobuf', call: get(`${configMaps}/managed`, partialType(protobufType)), status: 200 },
  { name: 'its metadata as YAML', call: get(`${configMaps}/managed`, partialType('application/yaml')), status: 200 },
  {
    name: 'a large ConfigMap as protobuf, as a dry run',
    call: postProtobuf(`${configMaps}?dryRun=All`, configMap('dry', many(2_500_000))),
    status: 201,
  },
  {
    name: 'an update of a large ConfigMap as protobuf',
    call: attempt => ({
      ...postProtobuf(configMaps, configMap('protobuf', { ...many(950_000), attempt: `${attempt}` })),
      ...{ method: 'PUT', path: `${configMaps}/protobuf` },
    }),
    status: 200,
  },
  {
    name: 'a definition of 9,000 properties of items as protobuf',
    call: postProtobuf(definitions, definitionOfItems),
    status: [201, 422],
  },
  {
    name: 'a revision whose data are 2 MB of JSON, as protobuf',
    call: postProtobuf(revisions, {
      ...{ apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'protobuf' }, revision: 1 },
      data: { spec: many(2_000_000) },
    }),
    status: 201,
  },
  { name: 'that revision read as protobuf', call: get(`${revisions}/protobuf`, protobufType), status: 200 },
  {
    name: 'deletion of a custom resource of 2.9 MB with 72,000 fields',
    change: attempt => [custom('forms', { data: many(2_900_000) }, `gone${attempt}`)],
    call: attempt => ({ method: 'DELETE', path: `${customPath('forms')}/gone${attempt}` }),
    status: 200,
  },
  { name: 'deletion of a large pod, answered as protobuf', call: deletion(`${pods}/protobuf`), status: 200 },
];

function deletion(path: string): Call {
  return { method: 'DELETE', path: `${path}?gracePeriodSeconds=0`, headers: { accept: protobufType } };
}
