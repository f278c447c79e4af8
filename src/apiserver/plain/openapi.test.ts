import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { startTestApiServer } from '../testing.ts';

const asked = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** The messages of gnostic's openapiv2 that documents of an API server use, for decoding by somebody else's hand. */
const proto = `syntax = "proto3";
message Document { string swagger = 1; Info info = 2; Paths paths = 8; Schemas definitions = 9; repeated Requirement security = 12; SecurityDefinitions security_definitions = 13; }
message Info { string title = 1; string version = 2; }
message Paths { repeated NamedPathItem path = 2; }
message NamedPathItem { string name = 1; PathItem value = 2; }
message PathItem { Operation get = 2; Operation put = 3; Operation post = 4; Operation delete = 5; Operation patch = 8; repeated ParametersItem parameters = 9; }
message Operation { string description = 3; string operation_id = 5; repeated string produces = 6; repeated string consumes = 7; repeated ParametersItem parameters = 8; Responses responses = 9; repeated string schemes = 10; repeated NamedAny vendor_extension = 13; }
message ParametersItem { oneof item { Parameter parameter = 1; Reference json_reference = 2; } }
message Parameter { oneof parameter { BodyParameter body_parameter = 1; NonBodyParameter non_body_parameter = 2; } }
message BodyParameter { string description = 1; string name = 2; string in = 3; bool required = 4; Schema schema = 5; }
message NonBodyParameter { oneof parameter { QueryParameter query_parameter_sub_schema = 3; PathParameter path_parameter_sub_schema = 4; } }
message QueryParameter { bool required = 1; string in = 2; string description = 3; string name = 4; string type = 6; bool unique_items = 20; }
message PathParameter { bool required = 1; string in = 2; string description = 3; string name = 4; string type = 5; bool unique_items = 19; }
message Reference { string ref = 1; string description = 2; }
message Responses { repeated NamedResponseValue response_code = 1; }
message NamedResponseValue { string name = 1; ResponseValue value = 2; }
message ResponseValue { oneof value { Response response = 1; Reference json_reference = 2; } }
message Response { string description = 1; SchemaItem schema = 2; }
message SchemaItem { Schema schema = 1; }
message Schemas { repeated NamedSchema additional_properties = 1; }
message NamedSchema { string name = 1; Schema value = 2; }
message Schema { string ref = 1; string format = 2; string description = 4; Any default = 5; repeated string required = 19; repeated Any enum = 20; AdditionalProperties additional_properties = 21; TypeItem type = 22; ItemsItem items = 23; repeated Schema all_of = 24; Schemas properties = 25; repeated NamedAny vendor_extension = 31; }
message AdditionalProperties { oneof value { Schema schema = 1; bool boolean = 2; } }
message TypeItem { repeated string value = 1; }
message ItemsItem { repeated Schema schema = 1; }
message Any { string yaml = 2; }
message NamedAny { string name = 1; Any value = 2; }
message Requirement { repeated NamedStrings additional_properties = 1; }
message NamedStrings { string name = 1; Strings value = 2; }
message Strings { repeated string value = 1; }
message SecurityDefinitions { repeated NamedSecurity additional_properties = 1; }
message NamedSecurity { string name = 1; Security value = 2; }
message Security { ApiKey api_key_security = 2; }
message ApiKey { string type = 1; string name = 2; string in = 3; string description = 4; }
`;

// biome-ignore lint/suspicious/noExplicitAny: decoded messages are walked by hand.
type Message = any;

const named = (list: Message[] | undefined, read: (value: Message) => unknown) =>
  Object.fromEntries((list ?? []).map(({ name, value }) => [name, read(value)]));
const extensions = (list: Message[] | undefined) => named(list, any => JSON.parse(any.yaml));

/** From gnostic's messages back to the JSON that they mean. */
function schemaOf(message: Message): unknown {
  const { ref, type, items, additionalProperties, properties, vendorExtension, allOf, enum: values, ...same } = message;
  return {
    ...same,
    ...(same.default && { default: JSON.parse(same.default.yaml) }),
    ...(ref && { $ref: ref }),
    ...(type && { type: type.value[0] }),
    ...(items && { items: schemaOf(items.schema[0]) }),
    ...(additionalProperties && {
      additionalProperties: additionalProperties.boolean ?? schemaOf(additionalProperties.schema),
    }),
    ...(properties && { properties: named(properties.additionalProperties, schemaOf) }),
    ...(allOf && { allOf: allOf.map(schemaOf) }),
    ...(values && { enum: values.map(({ yaml }: { yaml: string }) => JSON.parse(yaml)) }),
    ...extensions(vendorExtension),
  };
}

function parameterOf({ parameter }: Message): unknown {
  const { bodyParameter: body, nonBodyParameter: other } = parameter;
  if (body) return { ...body, schema: schemaOf(body.schema) };
  return { ...(other.queryParameterSubSchema ?? other.pathParameterSubSchema) };
}

const responseOf = ({ response: { schema, ...rest } }: Message) => ({
  ...rest,
  ...(schema && { schema: schemaOf(schema.schema) }),
});

function operationOf({ parameters, responses, vendorExtension, ...same }: Message): unknown {
  return {
    ...same,
    ...(parameters && { parameters: parameters.map(parameterOf) }),
    responses: named(responses.responseCode, responseOf),
    ...extensions(vendorExtension),
  };
}

function pathOf({ parameters, ...operations }: Message): unknown {
  return {
    ...(parameters && { parameters: parameters.map(parameterOf) }),
    ...Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, operationOf(operation)])),
  };
}

function documentOf(message: Message): unknown {
  const { swagger, info, paths, definitions, security, securityDefinitions } = message;
  return {
    swagger,
    info,
    paths: named(paths.path, pathOf),
    definitions: named(definitions.additionalProperties, schemaOf),
    security: security.map((item: Message) => named(item.additionalProperties, strings => strings.value ?? [])),
    securityDefinitions: named(securityDefinitions.additionalProperties, value => value.apiKeySecurity),
  };
}

/** Lists that are empty are not on the wire. */
function withoutEmptyLists(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, item) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(
            Object.entries(item).filter(([, v]) => !(Array.isArray(v) && v.length === 0) && v !== false),
          )
        : item,
    ),
  );
}

test('the protobuf form of OpenAPI v2 says what the JSON form says', async () => {
  await using api = await startTestApiServer();
  const json = (await api.call('GET', '/openapi/v2')).json;
  const response = await api.handler({
    method: 'GET',
    path: '/openapi/v2',
    search: '',
    headers: { accept: asked },
    body: async () => new Uint8Array(),
    stream: async function* () {},
    signal: new AbortController().signal,
    peer: { address: 'in-process', user: { name: 'a', groups: [] } },
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  const type = protobuf.parse(proto).root.lookupType('Document');
  const message = type.toObject(type.decode(response.body as Uint8Array), { json: true });
  assert.deepEqual(withoutEmptyLists(documentOf(message)), withoutEmptyLists(json));
});

const media: readonly (readonly [accept: string, path: string, type: RegExp | 406])[] = [
  ['application/json', '/openapi/v2', /json/],
  ['*/*', '/openapi/v2', /json/],
  [`${asked},application/json;q=0.5`, '/openapi/v2', /protobuf/],
  [`application/json;q=0.5,${asked}`, '/openapi/v2', /protobuf/],
  [`application/json,${asked};q=0.5`, '/openapi/v2', /json/],
  ['application/com.github.proto-openapi.spec.v2.v1.0+protobuf', '/openapi/v2', /protobuf/],
  ['text/html', '/openapi/v2', 406],
  [asked, '/openapi/v3', 406],
];

test('the best form that is offered is chosen', async () => {
  await using api = await startTestApiServer();
  for (const [accept, path, wanted] of media) {
    const { status, headers } = await api.call('GET', path, { headers: { accept } });
    if (wanted === 406) assert.equal(status, 406, accept);
    else assert.match(headers['content-type'] ?? '', wanted, accept);
  }
});
