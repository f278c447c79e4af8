/** Bodies that go deep. */
import type { StallCase } from './stall-cases.ts';
import { applyType, custom, customPath, deep, group, patch, times } from './stall-cases.ts';

const deepLevels = 10_000;

export const deepCases: readonly StallCase[] = [
  {
    name: '10,000 levels of JSON objects',
    call: {
      ...custom('open', {}),
      body: `{"apiVersion":"${group}/v1","kind":"Open","metadata":{"name":"deep"},"spec":${deep(deepLevels, '{"a":', '1', '}')}}`,
    },
    status: [201, 400],
  },
  {
    name: '9,990 levels of JSON lists',
    call: {
      ...custom('open', {}),
      body: `{"apiVersion":"${group}/v1","kind":"Open","metadata":{"name":"deep"},"spec":{"a":${deep(deepLevels - 10, '[', '1', ']')}}}`,
    },
    status: [201, 400],
  },
  {
    name: '10,000 levels of YAML',
    call: {
      method: 'POST',
      path: customPath('open'),
      headers: { 'content-type': 'application/yaml' },
      body: `apiVersion: ${group}/v1\nkind: Open\nmetadata: {name: deep}\nspec: ${deep(deepLevels, '{a: ', '1', '}')}\n`,
    },
    status: [201, 400],
  },
  {
    name: '1,400 levels of YAML blocks',
    call: {
      method: 'POST',
      path: customPath('open'),
      headers: { 'content-type': 'application/yaml' },
      body: `apiVersion: ${group}/v1\nkind: Open\nmetadata: {name: blocks}\nspec:\n${times(1400, level => `${' '.repeat(level + 1)}a:\n`).join('')}`,
    },
    status: [201, 400],
  },
  {
    name: '2.9 MB of brackets',
    call: { ...custom('open', {}), body: '['.repeat(2_900_000) },
    status: [400],
  },
  {
    name: '10,000 levels in a merge patch',
    call: patch(
      `${customPath('open')}/merged`,
      'application/merge-patch+json',
      `{"spec":${deep(deepLevels, '{"a":', '1', '}')}}`,
    ),
    status: [200, 400, 422],
  },
  {
    name: '10,000 levels in an apply',
    call: patch(
      `${customPath('open')}/merged?fieldManager=a&force=true`,
      applyType,
      `{"apiVersion":"${group}/v1","kind":"Open","metadata":{"name":"merged"},"spec":${deep(deepLevels - 2, '{"a":', '1', '}')}}`,
    ),
    status: [200, 201, 400, 422],
  },
  {
    name: '10,000 levels in a JSON patch',
    call: patch(
      `${customPath('open')}/merged`,
      'application/json-patch+json',
      `[{"op":"add","path":"/spec/deep","value":${deep(9000, '{"a":', '1', '}')}}]`,
    ),
    status: [200, 400, 422],
  },
  {
    name: 'protobuf messages in one another',
    call: {
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
      body: nestedProtobuf(10_000),
    },
    status: [400, 422],
  },
];

/** JSONSchemaProps in JSONSchemaProps (field 15: `not`), inside of a definition. */
function nestedProtobuf(levels: number): Uint8Array {
  const tagged = (field: number, bytes: Buffer): Buffer => {
    const size: number[] = [];
    for (let left = bytes.length; ; left >>>= 7) {
      if (left < 128) {
        size.push(left);
        break;
      }
      size.push((left & 127) | 128);
    }
    return Buffer.concat([Buffer.from([(field << 3) | 2, ...size]), bytes]);
  };
  let schema: Buffer = Buffer.alloc(0);
  for (let level = 0; level < levels; level++) schema = tagged(14, schema);
  const version = Buffer.concat([tagged(1, Buffer.from('v1')), tagged(4, tagged(1, schema))]);
  const spec = Buffer.concat([tagged(1, Buffer.from(group)), tagged(7, version)]);
  const type = Buffer.concat([
    tagged(1, Buffer.from('apiextensions.k8s.io/v1')),
    tagged(2, Buffer.from('CustomResourceDefinition')),
  ]);
  const unknown = Buffer.concat([tagged(1, type), tagged(2, tagged(2, spec))]);
  return Buffer.concat([Buffer.from('k8s\0'), unknown]);
}
