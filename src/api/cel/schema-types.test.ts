import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileCel, escapeName, formatCelType, typeFromNode, typeFromSchema, unescapeName } from './index.ts';
import { run } from './testing-cel.ts';

describe('types of schemas', () => {
  const schema = {
    type: 'object',
    required: ['replicas'],
    properties: {
      replicas: { type: 'integer' },
      share: { type: 'number' },
      port: { 'x-kubernetes-int-or-string': true },
      'a-b.c/d__e': { type: 'string' },
      namespace: { type: 'string' },
      when: { type: 'string', format: 'date-time' },
      day: { type: 'string', format: 'date' },
      wait: { type: 'string', format: 'duration' },
      blob: { type: 'string', format: 'byte' },
      maybe: { type: 'string', nullable: true },
      any: { 'x-kubernetes-preserve-unknown-fields': true },
      names: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 5 }, maxProperties: 3 },
      pod: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    },
  } as const;
  const self = typeFromSchema(schema)!;
  const evaluate = (expression: string, value: unknown): unknown => run(expression, { self }, { self: value });

  it('scalars by their formats', () => {
    const types = [...self.fields!].map(([name, field]) => `${name} ${formatCelType(field.type)}`);
    assert.deepEqual(types, [
      'replicas int',
      'share double',
      'port dyn',
      'a__dash__b__dot__c__slash__d__underscores__e string',
      '__namespace__ string',
      'when timestamp',
      'day timestamp',
      'wait duration',
      'blob bytes',
      'maybe string',
      'names list(string)',
      'labels map(string, string)',
      'pod selfType.pod',
    ]);
  });

  it('values are read by them', () => {
    assert.equal(evaluate('self.share + 0.5', { share: 1 }), 1.5);
    assert.equal(evaluate('type(self.port) == int ? self.port == 80 : self.port == "http"', { port: 80 }), true);
    assert.equal(evaluate('self.a__dash__b__dot__c__slash__d__underscores__e', { 'a-b.c/d__e': 'x' }), 'x');
    assert.equal(evaluate('self.__namespace__', { namespace: 'x' }), 'x');
    assert.equal(evaluate('self.day.getFullYear()', { day: '2024-02-03' }), 2024);
    assert.equal(evaluate('self.wait > duration("1m")', { wait: '90s' }), true);
    assert.equal(evaluate('size(self.blob)', { blob: 'aGk=' }), 2);
    assert.equal(evaluate('self.names == ["b", "a"]', { names: ['a', 'b'] }), true);
    assert.equal(evaluate('has(self.maybe)', { maybe: null }), false);
    assert.equal(evaluate('self.pod.metadata.name', { pod: { metadata: { name: 'p' } } }), 'p');
    assert.equal(evaluate('self.any', {}), "! 1:5: undefined field 'any'");
  });

  it('a resource root always has kind, apiVersion and names', () => {
    const root = typeFromSchema({ type: 'object' }, { resourceRoot: true })!;
    assert.equal(
      run('self.kind + self.metadata.name', { self: root }, { self: { kind: 'K', metadata: { name: 'n' } } }),
      'Kn',
    );
  });

  it('sizes are bounded by the schema, else by the request', () => {
    const labels = self.fields!.get('labels')!.type;
    assert.equal(labels.maxElements, 3);
    assert.equal(labels.params![1]!.maxElements, 20);
    assert.equal(self.fields!.get('names')!.type.maxElements, Math.floor((3 * 1024 * 1024 - 2) / 3));
    const cost = compileCel('self.labels.all(k, self.labels[k] == "x")', { variables: { self } }).estimateCost();
    assert.ok(cost.max < 50);
  });

  it('what has no type is not exposed', () => {
    assert.equal(typeFromSchema({}), undefined);
    assert.equal(typeFromSchema({ type: 'array', items: {} }), undefined);
  });

  it('names escape there and back', () => {
    for (const name of ['a-b', 'a.b/c', 'a__b', 'namespace', 'in', 'plain_name']) {
      assert.equal(unescapeName(escapeName(name)!), name);
    }
    assert.equal(escapeName('1a'), undefined);
    assert.equal(escapeName('a$'), undefined);
  });
});

describe('types of shapes', () => {
  it('a shape that contains itself ends in dyn', () => {
    const fields = new Map();
    const node = { kind: 'object', name: 'io.x.Node', fields } as const;
    fields.set('next', { type: node, required: false });
    fields.set('count', { type: { kind: 'integer' }, required: true });
    fields.set('size', { type: { kind: 'quantity' }, required: false });
    const type = typeFromNode(node);
    assert.equal(
      run(
        'object.next.next.count + object.count',
        { object: type },
        { object: { count: 1, next: { next: { count: 2 } } } },
      ),
      3,
    );
    assert.equal(
      run('quantity(object.size).isLessThan(quantity("1Gi"))', { object: type }, { object: { size: '1Mi' } }),
      true,
    );
  });
});
