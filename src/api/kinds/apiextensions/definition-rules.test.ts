import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schema } from '../../custom/schema.ts';
import { definitionOf } from '../../custom/testing.ts';
import type { FieldError } from '../../kind.ts';
import type { CustomResourceDefinition } from '../../types.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { validateDefinition, validateDefinitionUpdate } from './definition-rules.ts';

const at = 'spec.validation.openAPIV3Schema';

function texts(errors: readonly FieldError[]): string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

function withSpec(spec: Schema): Schema {
  return { type: 'object', properties: { spec } };
}

const spec = `${at}.properties[spec]`;
const schemas: [string, Schema, string[]][] = [
  ['a fine one', withSpec({ type: 'object', properties: { a: { type: 'string', default: 'x' } } }), []],
  ['no type at the root', {}, [`${at}.type: Required value: must not be empty at the root`]],
  [
    'a list at the root',
    { type: 'array', items: { type: 'string' } },
    [`${at}.type: Invalid value: "array": must be object at the root`],
  ],
  [
    'a map at the root',
    { type: 'object', additionalProperties: { type: 'string' } },
    [`${at}.additionalProperties: Forbidden: must not be used at the root`],
  ],
  [
    'a field without type',
    withSpec({}),
    [`${spec}.type: Required value: must not be empty for specified object fields`],
  ],
  [
    'items without type',
    withSpec({ type: 'array', items: {} }),
    [`${spec}.items.type: Required value: must not be empty for specified array items`],
  ],
  ['a list without items', withSpec({ type: 'array' }), [`${spec}.items: Required value: must be specified`]],
  [
    'a type nobody knows',
    withSpec({ type: 'int' }),
    [
      `${spec}.type: Unsupported value: "int": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ],
  ],
  [
    'a type inside a junctor',
    withSpec({ type: 'object', anyOf: [{ type: 'object', description: 'x' }] }),
    [
      `${spec}.anyOf[0].description: Forbidden: must be empty to be structural`,
      `${spec}.anyOf[0].type: Forbidden: must be empty to be structural`,
    ],
  ],
  [
    'integer or string',
    withSpec({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }),
    [],
  ],
  [
    'a field that only a junctor knows',
    { type: 'object', anyOf: [{ required: ['b'], properties: { b: { minimum: 1 } } }] },
    [`${at}.properties[b]: Required value: because it is defined in ${at}.anyOf[0].properties[b]`],
  ],
  [
    'metadata that says too much',
    { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
    [
      `${at}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ],
  ],
  [
    'a restriction of the name',
    {
      type: 'object',
      properties: { metadata: { type: 'object', properties: { name: { type: 'string', pattern: '^a' } } } },
    },
    [],
  ],
  [
    'a pattern that is none',
    withSpec({ type: 'string', pattern: '(' }),
    [
      `${spec}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
    ],
  ],
  [
    'unique items',
    withSpec({ type: 'array', items: { type: 'string' }, uniqueItems: true }),
    [
      `${spec}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ],
  ],
  [
    'a reference',
    withSpec({ type: 'object', $ref: '#/x' } as Schema),
    [`${spec}.$ref: Forbidden: $ref is not supported`],
  ],
  [
    'properties and values',
    withSpec({ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } }),
    [`${spec}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
  ],
  [
    'a default of a wrong type',
    withSpec({ type: 'object', properties: { a: { type: 'integer', default: 'x' } } }),
    [`${spec}.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"`],
  ],
  [
    'a default with unknown fields',
    withSpec({ type: 'object', default: { a: 1 } }),
    [`${spec}.default: Invalid value: {"a":1}: must not have unknown fields`],
  ],
  [
    'a default of the kind',
    { type: 'object', properties: { kind: { type: 'string', default: 'X' } } },
    [`${at}.properties[kind].default: Forbidden: must not be set in top-level kind`],
  ],
  [
    'an embedded resource that is none',
    withSpec({ type: 'object', 'x-kubernetes-embedded-resource': true }),
    [
      `${spec}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
    ],
  ],
  [
    'a map list without keys',
    withSpec({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' }),
    [`${spec}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
  ],
  [
    'a map list with optional keys',
    withSpec({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
      items: { type: 'object', properties: { a: { type: 'string' } } },
    }),
    [
      `${spec}.items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
  ],
  [
    'a set of objects',
    withSpec({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' }),
    [
      `${spec}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
    ],
  ],
  [
    'an empty rule',
    withSpec({ type: 'object', 'x-kubernetes-validations': [{ rule: ' ' }] }),
    [`${spec}.x-kubernetes-validations[0].rule: Required value: rule is not specified`],
  ],
  [
    'a rule of another type',
    withSpec({ type: 'object', 'x-kubernetes-validations': [{ rule: '1 + 1' }] }),
    [
      `${spec}.x-kubernetes-validations[0].rule: Invalid value: {"rule":"1 + 1"}: cel expression must evaluate to a bool`,
    ],
  ],
  [
    'a transition that can never be',
    withSpec({
      type: 'array',
      maxItems: 5,
      items: { type: 'string', maxLength: 5, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
    }),
    [
      `${spec}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${spec}`,
    ],
  ],
  [
    'a needless optionalOldSelf',
    withSpec({ type: 'object', 'x-kubernetes-validations': [{ rule: 'true', optionalOldSelf: true }] }),
    [
      `${spec}.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
    ],
  ],
];
for (const [name, schema, expected] of schemas) {
  test(`a definition's schema: ${name}`, () => {
    assert.deepEqual(texts(validateDefinition(definitionOf(schema))), expected);
  });
}

test('a rule that may cost too much is refused with the factor', () => {
  const schema = withSpec({
    type: 'array',
    items: { type: 'array', items: { type: 'string' } },
    'x-kubernetes-validations': [{ rule: 'self.all(a, a.all(b, b.contains("x")))' }],
  });
  assert.deepEqual(texts(validateDefinition(definitionOf(schema))), [
    `${spec}.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
    `${spec}.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
    `${at}: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
  ]);
});

const fine = withSpec({ type: 'object', properties: { a: { type: 'string' }, b: { type: 'object' } } });
const changes: [string, (draft: CustomResourceDefinition) => void, string[]][] = [
  [
    'a group without a dot',
    draft => {
      draft.spec.group = 'x';
      draft.metadata.name = 'widgets.x';
    },
    ['spec.group: Invalid value: "x": should be a domain with at least one dot'],
  ],
  [
    'a name of its own',
    draft => {
      draft.metadata.name = 'x.example.com';
    },
    ['metadata.name: Invalid value: "x.example.com": must be spec.names.plural+"."+spec.group'],
  ],
  [
    'a scope nobody knows',
    draft => {
      draft.spec.scope = 'World';
    },
    ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
  ],
  [
    'no storage version',
    draft => {
      draft.spec.versions[0]!.storage = false;
    },
    ['spec.versions: Invalid value: ["v1"]: must have exactly one version marked as storage version'],
  ],
  [
    'no schema',
    draft => {
      delete draft.spec.versions[0]!.schema;
    },
    ['spec.versions[0].schema.openAPIV3Schema: Required value'],
  ],
  [
    'a protected group',
    draft => {
      draft.spec.group = 'x.k8s.io';
      draft.metadata.name = 'widgets.x.k8s.io';
    },
    [
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ],
  ],
  [
    'unknown fields everywhere',
    draft => {
      draft.spec.preserveUnknownFields = true;
    },
    [
      'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
    ],
  ],
  [
    'a webhook without client',
    draft => {
      draft.spec.conversion = { strategy: 'Webhook' };
    },
    [
      'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
      'spec.conversion.conversionReviewVersions: Required value',
    ],
  ],
  [
    'a webhook over plain HTTP',
    draft => {
      draft.spec.conversion = {
        strategy: 'Webhook',
        webhook: { clientConfig: { url: 'http://x/' }, conversionReviewVersions: ['v2'] },
      };
    },
    [
      'spec.conversion.webhookClientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
      'spec.conversion.conversionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
    ],
  ],
  [
    'a column of a wrong type',
    draft => {
      draft.spec.versions[0]!.additionalPrinterColumns = [{ name: 'A', type: 'text', jsonPath: 'spec.a' }];
    },
    [
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
    ],
  ],
  [
    'selectable fields',
    draft => {
      draft.spec.versions[0]!.selectableFields = [
        { jsonPath: '.spec.a' },
        { jsonPath: '.spec.b' },
        { jsonPath: '.spec.c' },
      ];
    },
    [
      'spec.selectableFields[1].jsonPath: Invalid value: ".spec.b": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      'spec.selectableFields[2].jsonPath: Invalid value: ".spec.c": is an invalid path: does not refer to a valid field',
    ],
  ],
  [
    'scale at a wrong place',
    draft => {
      draft.spec.versions[0]!.subresources = {
        scale: { specReplicasPath: '.status.x', statusReplicasPath: '.status.x' },
      };
    },
    ['spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec'],
  ],
  [
    'a stored version that is gone',
    draft => {
      draft.status = { storedVersions: ['v0', 'v1'] };
    },
    [
      'status.storedVersions[0]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions',
    ],
  ],
  [
    'a warning of what is not deprecated',
    draft => {
      draft.spec.versions[0]!.deprecationWarning = 'x';
    },
    ['spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions'],
  ],
];
for (const [name, change, expected] of changes) {
  test(`a definition: ${name}`, () => {
    const draft = definitionOf(fine);
    change(draft);
    assert.deepEqual(texts(validateDefinition(draft)), expected);
  });
}

test('schemas that differ between versions are judged under their versions', () => {
  const draft = definitionOf(fine);
  draft.spec.versions.push({ name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: {} } });
  assert.deepEqual(texts(validateDefinition(draft)), [
    'spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root',
  ]);
});

test('scope and kind are fixed once the kind is served', () => {
  const old = definitionOf(fine);
  const now = definitionOf(fine);
  now.spec.scope = 'Cluster';
  assert.deepEqual(texts(validateDefinitionUpdate(now, old)), []);
  old.status!.conditions = [{ type: 'Established', status: 'True' }];
  assert.deepEqual(texts(validateDefinitionUpdate(now, old)), [
    'spec.scope: Invalid value: "Cluster": field is immutable',
  ]);
});

test('an update may keep what was accepted before the rule came', () => {
  const draft = definitionOf(withSpec({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' }));
  assert.deepEqual(texts(validateDefinitionUpdate(draft, draft)), []);
});

test('schemas of wrong types, too deep or too large are refused, not followed', () => {
  const wrong = withSpec({ type: 'array', items: { type: 'object', properties: 5 } as unknown as Schema });
  assert.deepEqual(texts(validateDefinition(definitionOf(wrong))), [
    `${at}.properties[spec].items.properties: Invalid value: "": must be an object`,
  ]);
  let deep: Schema = { type: 'string' };
  for (let level = 0; level < 5000; level++) deep = { type: 'array', items: deep };
  const [error] = validateDefinition(definitionOf(withSpec(deep)));
  assert.match(error!.message, /must not be nested deeper than 200 levels/);
  const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`p${index}`, { type: 'string' }]));
  const [first] = validateDefinition(definitionOf(withSpec({ type: 'object', properties: many })));
  assert.match(first!.message, /must not have more than 50000 nodes/);
});

test('formats that nobody checks are warned of', () => {
  const draft = definitionOf(withSpec({ type: 'object', properties: { a: { type: 'string', format: 'int32' } } }));
  assert.deepEqual(customResourceDefinition.warnings!(draft, undefined), ['unrecognized format "int32"']);
});
