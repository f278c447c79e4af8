import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { createProtobufCodec } from './protobuf.ts';
import { fieldsOfMessage, type Scalar } from './protobuf-schema.ts';
import { specials } from './protobuf-specials.ts';
import wire from './tables/wire.json' with { type: 'json' };

const codec = createProtobufCodec();
const table = wire as unknown as Record<string, Record<string, [number, string]>>;

/** Kinds as upstream has them: a message with metadata, of a stable version. */
const kinds = Object.entries(table)
  .filter(
    ([name, fields]) =>
      fields['metadata'] && /^k8s\.io\.(?:api|kube_aggregator|apiextensions_apiserver)\..*\.v\d\.\w+$/.test(name),
  )
  .map(([name]) => name);

const groups: Record<string, string> = {
  core: '',
  apps: 'apps/',
  batch: 'batch/',
  autoscaling: 'autoscaling/',
  policy: 'policy/',
  rbac: 'rbac.authorization.k8s.io/',
  flowcontrol: 'flowcontrol.apiserver.k8s.io/',
};

function kindOf(message: string): { apiVersion: string; kind: string } {
  const [group, version, kind] = message.split('.').slice(-3) as [string, string, string];
  return { apiVersion: `${groups[group] ?? `${group}.k8s.io/`}${version}`, kind };
}

const scalarValues: Record<Scalar, fc.Arbitrary<unknown>> = {
  string: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  bool: fc.constant(true),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).filter(value => value !== 0),
  int64: fc.maxSafeInteger().filter(value => value !== 0),
  double: fc.double({ noNaN: true }).filter(value => value !== 0),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }).map(bytes => Buffer.from(bytes).toString('base64')),
};

const specialValues: Record<string, fc.Arbitrary<unknown>> = {
  Quantity: fc.constantFrom('100m', '1Gi', '0'),
  IntOrString: fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.constant('http')),
  RawExtension: fc.constant({ a: [1, 'x', null] }),
  FieldsV1: fc.constant({ 'f:spec': { '.': {} } }),
  JSON: fc.constantFrom<unknown>('x', 5, false, { a: 1 }),
  Time: fc.constantFrom('2026-01-02T03:04:05Z', '1969-12-31T23:59:59Z'),
  MicroTime: fc.constant('2026-01-02T03:04:05.000006Z'),
  Duration: fc.constantFrom('1m0s', '1.5s', '1h0m0.000000001s', '0s'),
  Verbs: fc.constant(['get', 'list']),
  ExtraValue: fc.constant(['a', '']),
  JSONSchemaPropsOrBool: fc.constantFrom<unknown>(true, false, { type: 'string' }),
  JSONSchemaPropsOrArray: fc.constantFrom<unknown>({ type: 'string' }, [{ type: 'string' }, { $ref: 'x' }]),
  JSONSchemaPropsOrStringArray: fc.constantFrom<unknown>({ type: 'string' }, ['a', 'b']),
};

/** Any object of a message, as deep as `depth`. */
function objects(message: string, depth: number): fc.Arbitrary<unknown> {
  if (specials.has(message)) return specialValues[message.split('.').at(-1)!]!;
  const parts = fieldsOfMessage(message).map(field => {
    const { type } = field;
    if (typeof type === 'object' && depth === 0 && !specials.has(type.message)) return fc.constant({});
    const value = typeof type === 'string' ? scalarValues[type] : objects(type.message, depth - 1);
    if (field.isInline) return value as fc.Arbitrary<object>;
    const whole =
      field.shape === 'list'
        ? fc.array(value, { minLength: 1, maxLength: 2 })
        : field.shape === 'map'
          ? fc.dictionary(fc.string({ maxLength: 5 }), value, { minKeys: 1, maxKeys: 2, noNullPrototype: true })
          : value;
    return fc.option(
      whole.map(inner => ({ [field.name]: inner })),
      { nil: {}, freq: 3 },
    );
  });
  return fc.tuple(...parts).map(all => Object.assign({}, ...all));
}

test('every kind comes back as it went, and an independent decoder reads the same fields', () => {
  assert.ok(kinds.length > 140, `only ${kinds.length} kinds`);
  const root = independentRoot();
  for (const message of kinds) {
    const kind = kindOf(message);
    assert.ok(codec.knows(kind.apiVersion, kind.kind), `${kind.apiVersion} ${kind.kind}`);
    fc.assert(
      fc.property(objects(message, 3), object => {
        const whole = { ...kind, ...(object as object) };
        const bytes = codec.encode(whole);
        assert.deepEqual(codec.decode(bytes), whole);
        const unknown = root.lookupType('k8s.io.apimachinery.pkg.runtime.Unknown').decode(bytes.subarray(4));
        const raw = (unknown as unknown as { raw: Uint8Array }).raw;
        const type = root.lookupType(message);
        assert.equal(type.verify(type.decode(raw)), null);
        // Written again by the other implementation, it is the same object still.
        assert.deepEqual(codec.decodeBody(type.encode(type.decode(raw)).finish(), kind), object);
      }),
      { numRuns: 3, seed: 7 },
    );
  }
});

function independentRoot(): protobuf.Root {
  const root = new protobuf.Root();
  for (const [name, fields] of Object.entries(table)) {
    const dot = name.lastIndexOf('.');
    const type = new protobuf.Type(name.slice(dot + 1));
    for (const [field, [number, text]] of Object.entries(fields)) {
      const map = /^map<string, (.*)>$/.exec(text);
      const plain = (map?.[1] ?? text).replace(/^\[\]/, '');
      if (map) type.add(new protobuf.MapField(field, number, 'string', plain));
      else
        type.add(
          new protobuf.Field(field, number, plain, text.startsWith('[]') ? 'repeated' : 'optional', undefined, {
            packed: false,
          }),
        );
    }
    root.define(name.slice(0, dot)).add(type);
  }
  return root.resolveAll() as protobuf.Root;
}

test('bytes are those that upstream writes', () => {
  const bytes = codec.encode({ kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'a' } });
  assert.equal(
    bytes.toString('hex'),
    // magic, typeMeta { "v1", "Namespace" }, raw { metadata { name } }
    '6b387300' + '0a0f' + '0a027631' + '12094e616d657370616365' + '1205' + '0a03' + '0a0161' + '1a002200',
  );
});

test('a Go client says zero by a pointer, and nothing by a plain field', () => {
  // Deployment { spec { replicas: 0 (pointer), paused: false (plain), revisionHistoryLimit: 0 (pointer) } }
  const body = Buffer.from('1206' + '0800' + '3000' + '3800', 'hex');
  const object = codec.decodeBody(body, { apiVersion: 'apps/v1', kind: 'Deployment' });
  assert.deepEqual(object, { spec: { replicas: 0, revisionHistoryLimit: 0 } });
});

test('a claim keeps the empty class that forbids provisioning; a volume loses its own', () => {
  const claim = codec.encode({ kind: 'PersistentVolumeClaim', apiVersion: 'v1', spec: { storageClassName: '' } });
  assert.deepEqual(codec.decode(claim)['spec'], { storageClassName: '' });
  const volume = codec.encode({ kind: 'PersistentVolume', apiVersion: 'v1', spec: { storageClassName: '' } });
  assert.deepEqual(codec.decode(volume)['spec'], {});
});

test('a list of encoded items has the bytes of the list', () => {
  const kind = { apiVersion: 'v1', kind: 'ConfigMapList' };
  const items = [{ metadata: { name: 'a' }, data: { k: 'v'.repeat(300) } }, { metadata: { name: 'b' } }];
  const metadata = { resourceVersion: '7', continue: 'x' };
  const bodies = items.map(item => codec.encodeBody(item, { apiVersion: 'v1', kind: 'ConfigMap' }));
  const pieces = codec.encodeList({ kind, metadata, items: codec.joinItems(bodies) });
  assert.deepEqual(Buffer.concat(pieces), codec.encode({ ...kind, metadata, items }));
});

test('a key that names the prototype is an ordinary key', () => {
  const data = JSON.parse('{"__proto__":"x"}');
  const back = codec.decode(codec.encode({ kind: 'ConfigMap', apiVersion: 'v1', data }));
  assert.deepEqual(Object.keys(back['data'] as object), ['__proto__']);
  assert.equal(({} as { x?: unknown }).x, undefined);
});

test('endless nesting is refused', () => {
  let body: Buffer = Buffer.alloc(0);
  // JSONSchemaProps.not = 25, of type JSONSchemaProps.
  for (let depth = 0; depth < 2000; depth++) body = Buffer.concat([varint(25 * 8 + 2), varint(body.length), body]);
  const schema = Buffer.concat([varint(10), varint(body.length), body]);
  const kind = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceValidation' };
  assert.throws(() => codec.decodeBody(schema, kind), { name: 'ProtobufError', message: 'proto: exceeded max depth' });
  // The codec works on afterwards.
  assert.deepEqual(codec.decodeBody(Buffer.alloc(0), kind), {});
});

function varint(value: number): Buffer {
  return value < 0x80
    ? Buffer.from([value])
    : Buffer.concat([Buffer.from([(value & 0x7f) | 0x80]), varint(value >>> 7)]);
}

test('no byte string does more than be refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      try {
        codec.decodeBody(bytes, { apiVersion: 'v1', kind: 'Pod' });
      } catch (error) {
        assert.equal((error as Error).name, 'ProtobufError', (error as Error).stack);
      }
    }),
    { numRuns: 5000 },
  );
});
