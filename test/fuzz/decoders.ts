/** Everything that reads what somebody else wrote, each with inputs that it knows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicPatch,
  behaviours,
  cel,
  compileRe2,
  compileRequirements,
  createDecoder,
  createScheme,
  custom,
  DecodeError,
  type FieldValidation,
  PatchError,
  parseFieldSelector,
  parseLabelSelector,
  RegexError,
  SelectorError,
} from '#api';
import { createProtobufCodec, ProtobufError } from '#wire';
import { claimsTarget } from './claims.ts';
import type { Target } from './engine.ts';
import { streams } from './streams.ts';

const testdata = join(import.meta.dirname, '../../src/api/kinds/testdata');
type Case = { kind: string; object: Record<string, unknown> };
const cases = readdirSync(testdata)
  .filter(name => name.endsWith('.input.yaml'))
  .flatMap(name => parseYaml(readFileSync(join(testdata, name), 'utf8')) as Case[]);
const podCases = cases
  .filter(({ object }) => (object as { spec?: { containers?: unknown } })?.spec?.containers)
  .slice(0, 12);
const objects = podCases.map(({ object }) => ({ apiVersion: 'v1', kind: 'Pod', ...object }));

const scheme = createScheme(behaviours);
const pod = scheme.byResource('', 'v1', 'pods')!;
const decoder = createDecoder();
const validations: readonly FieldValidation[] = ['Strict', 'Warn', 'Ignore'];
const json = (value: unknown) => JSON.stringify(value);
const target = {
  metadata: { name: 'a', finalizers: ['x', 'y'], labels: { a: 'b' } },
  spec: { containers: [{ name: 'a', ports: [{ containerPort: 80 }] }, { name: 'b' }] },
};

function body(format: 'json' | 'yaml'): Target['run'] {
  return input => {
    for (const validation of validations) {
      const parsed = decoder.parse(input.toString(), format, validation);
      for (const fill of [false, true]) decoder.check(structuredClone(parsed), pod.type, { validation, fill });
    }
  };
}

/** A patch that is no JSON is refused where its body is read. */
const patch =
  (apply: (value: unknown) => unknown): Target['run'] =>
  input => {
    apply(decoder.parse(input.toString(), 'json', 'Ignore').value);
  };

const codec = createProtobufCodec();
const yamlOf = (value: unknown) => `# a comment\n${json(value).replaceAll('{', '{ ').replaceAll('"', '')}`;

export const decoders: readonly Target[] = [
  { name: 'JSON', corpus: objects.map(json), run: body('json'), refusals: [DecodeError] },
  {
    name: 'YAML',
    corpus: [
      'a: &x [1, "2", {b: *x}]\n---\nc: |\n  text\n  more\n',
      'spec:\n  containers:\n  - name: a\n    image: b\n    args: ["x", \'y\', >-\n      z]\n',
      ...objects.slice(0, 4).map(yamlOf),
    ],
    run: body('yaml'),
    refusals: [DecodeError],
  },
  {
    name: 'protobuf',
    corpus: objects.map(object => codec.encode(object)),
    run: input => codec.decode(input, { apiVersion: 'v1', kind: 'Pod' }),
    refusals: [ProtobufError],
  },
  {
    name: 'JSON patch',
    corpus: [
      json([
        { op: 'add', path: '/spec/containers/-', value: { name: 'c' } },
        { op: 'test', path: '/metadata/labels/a', value: 'b' },
      ]),
      json([
        { op: 'move', from: '/metadata/labels', path: '/metadata/annotations' },
        { op: 'copy', from: '/spec/containers/0', path: '/spec/containers/1' },
        { op: 'remove', path: '/metadata/finalizers/1' },
        { op: 'replace', path: '', value: {} },
      ]),
    ],
    run: patch(value => applyJsonPatch(structuredClone(target), value)),
    refusals: [PatchError, DecodeError],
  },
  {
    name: 'merge patch',
    corpus: [json({ metadata: { labels: { a: null, c: 'd' } }, spec: { containers: [] } })],
    run: patch(value => applyMergePatch(target, value)),
    refusals: [PatchError, DecodeError],
  },
  {
    name: 'strategic merge patch',
    corpus: [
      json({
        spec: {
          containers: [
            { name: 'a', image: 'x', ports: [{ containerPort: 80, $patch: 'delete' }] },
            { name: 'b', $patch: 'replace' },
          ],
        },
      }),
      json({
        metadata: { '$deleteFromPrimitiveList/finalizers': ['x'], '$setElementOrder/finalizers': ['y'] },
        spec: { $retainKeys: ['containers'], '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] },
      }),
    ],
    run: patch(value => applyStrategicPatch(target, value, pod.type)),
    refusals: [PatchError, DecodeError],
  },
  {
    name: 'label selector',
    corpus: ['a=b,c!=d,e in (f, g),h notin (i),j,!k', 'example.com/name==x', 'n>1,m<2'],
    run: input => compileRequirements(parseLabelSelector(input.toString()))({ a: 'b', n: '3' }),
    refusals: [SelectorError],
  },
  {
    name: 'field selector',
    corpus: ['metadata.name=a,spec.nodeName!=b', 'status.phase==Running', 'a=\\,\\=\\\\'],
    run: input => parseFieldSelector(input.toString()),
    refusals: [SelectorError],
  },
  {
    name: 'CEL',
    corpus: [
      'self.a.all(x, x > 1) && has(self.b) ? "a" + string(size(self.c)) : \'b\'',
      'self.list.map(x, [x, {"k": x}]).filter(y, y[0] != 2).size() < 10u',
      'quantity("1Gi").isGreaterThan(quantity("500Mi")) || "abc".matches("^a+(b|c)*$")',
    ],
    run: input =>
      cel
        .compileCel(input.toString(), { variables: { self: cel.dynType } })
        .evaluate({ self: { a: [1, 2], list: [1, 2, 3], c: 'x' } }, { costLimit: 20_000 }),
    refusals: [cel.CelCompileError, cel.CelError],
  },
  {
    name: 'regular expression',
    corpus: [
      '^(a+)+b?[^x-z]{1,3}\\p{L}(?i:c)|(?P<n>d)$',
      '([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)',
      '\\x{10ffff}\\Qa.b\\E\\b.*?',
    ],
    run: input => compileRe2(input.toString()).test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-.x'),
    refusals: [RegexError],
  },
  {
    name: 'schema of a definition',
    corpus: [
      json({
        type: 'object',
        required: ['spec'],
        properties: {
          spec: {
            type: 'object',
            properties: {
              n: { type: 'integer', minimum: 1, default: 2 },
              l: { type: 'array', items: { type: 'string', pattern: '^a' }, 'x-kubernetes-list-type': 'set' },
            },
            'x-kubernetes-validations': [{ rule: 'self.n > 0' }],
          },
        },
      }),
      json({
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: {
          a: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
          b: { oneOf: [{ required: ['c'] }], not: {}, nullable: true, enum: [1, null] },
        },
      }),
    ],
    run(input) {
      const { value } = decoder.parse(input.toString(), 'json', 'Ignore');
      custom.readSchema(value as never);
    },
    refusals: [custom.SchemaError, DecodeError],
  },
  claimsTarget(),
  ...streams,
];
