import type { Steps } from '#base';
import { isSmall } from '#base';
import { BackWriter } from './protobuf-bytes.ts';
import { lengthTag, writeField } from './protobuf-envelope.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * How a member is written: a scalar, `any` (kept as text), the name of a message; with `*` a list of them; with `named ` an object whose every member
 * becomes a message of name and value.
 */
type Type = string;

/** Members of a JSON object by name. `*`: all that are not named, `x-*`: those that begin so. */
type Fields = Readonly<Record<string, readonly [number: number, type: Type]>>;

/** A message that is one of several: which, is told by the value. */
type Choice = (value: unknown) => readonly [number: number, type: Type];

const isReference = (value: unknown) => typeof value === 'object' && value !== null && '$ref' in value;
const locations: Readonly<Record<string, number>> = { header: 1, formData: 2, query: 3, path: 4 };
const security: Readonly<Record<string, readonly [number, Type]>> = {
  basic: [1, 'BasicSecurity'],
  apiKey: [2, 'ApiKeySecurity'],
};

/** Limits of a value that is no object, from the number that `items` has on. Their order is the same in every message. */
function valueFields(from: number): Fields {
  const names = ['items', 'collectionFormat', 'default', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'];
  names.push('maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'enum', 'multipleOf', 'x-*');
  return Object.fromEntries(names.map((name, index) => [name, [from + index, valueTypes[name] ?? 'int64'] as const]));
}

const valueTypes: Readonly<Record<string, Type>> = {
  items: 'PrimitivesItems',
  collectionFormat: 'string',
  default: 'any',
  maximum: 'double',
  exclusiveMaximum: 'bool',
  minimum: 'double',
  exclusiveMinimum: 'bool',
  pattern: 'string',
  uniqueItems: 'bool',
  enum: 'any*',
  multipleOf: 'double',
  'x-*': 'named any',
};

const described: Fields = {
  required: [1, 'bool'],
  in: [2, 'string'],
  description: [3, 'string'],
  name: [4, 'string'],
};
const parameter: Fields = { ...described, type: [5, 'string'], format: [6, 'string'], ...valueFields(7) };
const emptyableParameter: Fields = {
  ...described,
  allowEmptyValue: [5, 'bool'],
  type: [6, 'string'],
  format: [7, 'string'],
  ...valueFields(8),
};

/** gnostic's messages, as far as documents of an API server use them. Source: openapiv2/OpenAPIv2.proto. */
const messages: Readonly<Record<string, Fields | Choice>> = {
  Document: {
    swagger: [1, 'string'],
    info: [2, 'Info'],
    host: [3, 'string'],
    basePath: [4, 'string'],
    schemes: [5, 'string*'],
    consumes: [6, 'string*'],
    produces: [7, 'string*'],
    paths: [8, 'Paths'],
    definitions: [9, 'Schemas'],
    security: [12, 'SecurityRequirement*'],
    securityDefinitions: [13, 'SecurityDefinitions'],
    'x-*': [16, 'named any'],
  },
  Info: { title: [1, 'string'], version: [2, 'string'], description: [3, 'string'], 'x-*': [7, 'named any'] },
  Paths: { 'x-*': [1, 'named any'], '*': [2, 'named PathItem'] },
  PathItem: {
    get: [2, 'Operation'],
    put: [3, 'Operation'],
    post: [4, 'Operation'],
    delete: [5, 'Operation'],
    options: [6, 'Operation'],
    head: [7, 'Operation'],
    patch: [8, 'Operation'],
    parameters: [9, 'ParametersItem*'],
    'x-*': [10, 'named any'],
  },
  Operation: {
    tags: [1, 'string*'],
    summary: [2, 'string'],
    description: [3, 'string'],
    operationId: [5, 'string'],
    produces: [6, 'string*'],
    consumes: [7, 'string*'],
    parameters: [8, 'ParametersItem*'],
    responses: [9, 'Responses'],
    schemes: [10, 'string*'],
    deprecated: [11, 'bool'],
    security: [12, 'SecurityRequirement*'],
    'x-*': [13, 'named any'],
  },
  ParametersItem: value => (isReference(value) ? [2, 'JsonReference'] : [1, 'Parameter']),
  Parameter: value => ((value as Members)['in'] === 'body' ? [1, 'BodyParameter'] : [2, 'NonBodyParameter']),
  BodyParameter: {
    description: [1, 'string'],
    name: [2, 'string'],
    in: [3, 'string'],
    required: [4, 'bool'],
    schema: [5, 'Schema'],
    'x-*': [6, 'named any'],
  },
  NonBodyParameter: value => {
    const location = (value as Members)['in'] as string;
    const isEmptyable = location === 'query' || location === 'formData';
    return [locations[location] ?? 3, isEmptyable ? 'EmptyableParameter' : 'OtherParameter'];
  },
  EmptyableParameter: emptyableParameter,
  OtherParameter: parameter,
  PrimitivesItems: { type: [1, 'string'], format: [2, 'string'], ...valueFields(3) },
  JsonReference: { $ref: [1, 'string'], description: [2, 'string'] },
  Responses: { '*': [1, 'named ResponseValue'], 'x-*': [2, 'named any'] },
  ResponseValue: value => (isReference(value) ? [2, 'JsonReference'] : [1, 'Response']),
  Response: { description: [1, 'string'], schema: [2, 'SchemaItem'], 'x-*': [5, 'named any'] },
  SchemaItem: () => [1, 'Schema'],
  Schemas: { '*': [1, 'named Schema'] },
  Schema: {
    $ref: [1, 'string'],
    format: [2, 'string'],
    title: [3, 'string'],
    description: [4, 'string'],
    default: [5, 'any'],
    multipleOf: [6, 'double'],
    maximum: [7, 'double'],
    exclusiveMaximum: [8, 'bool'],
    minimum: [9, 'double'],
    exclusiveMinimum: [10, 'bool'],
    maxLength: [11, 'int64'],
    minLength: [12, 'int64'],
    pattern: [13, 'string'],
    maxItems: [14, 'int64'],
    minItems: [15, 'int64'],
    uniqueItems: [16, 'bool'],
    maxProperties: [17, 'int64'],
    minProperties: [18, 'int64'],
    required: [19, 'string*'],
    enum: [20, 'any*'],
    additionalProperties: [21, 'AdditionalPropertiesItem'],
    type: [22, 'TypeItem'],
    items: [23, 'ItemsItem'],
    allOf: [24, 'Schema*'],
    properties: [25, 'Schemas'],
    discriminator: [26, 'string'],
    readOnly: [27, 'bool'],
    example: [30, 'any'],
    'x-*': [31, 'named any'],
  },
  AdditionalPropertiesItem: value => (typeof value === 'boolean' ? [2, 'bool'] : [1, 'Schema']),
  TypeItem: () => [1, 'string*'],
  ItemsItem: () => [1, 'Schema*'],
  SecurityRequirement: { '*': [1, 'named StringArray'] },
  StringArray: () => [1, 'string*'],
  SecurityDefinitions: { '*': [1, 'named SecurityDefinition'] },
  SecurityDefinition: value => security[(value as Members)['type'] as string] ?? [2, 'ApiKeySecurity'],
  BasicSecurity: { type: [1, 'string'], description: [2, 'string'], 'x-*': [3, 'named any'] },
  ApiKeySecurity: {
    type: [1, 'string'],
    name: [2, 'string'],
    in: [3, 'string'],
    description: [4, 'string'],
    'x-*': [5, 'named any'],
  },
};

/** Bytes that are written between two steps: some tenths of a millisecond. */
const stepBytes = 8 * 1024;

/**
 * An OpenAPI v2 document (as JSON) in gnostic's protobuf, which kubectl up to 1.26 asks for, in steps. Members that the messages do not have are left out: tags,
 * external documents and OAuth, which no API server sends. `sizeBytes`: of the JSON form.
 */
export function* encodeOpenApiV2(document: object, sizeBytes: number): Steps<Buffer> {
  // What is written is hardly ever longer; growing would copy all of it in one step.
  const writer = new BackWriter(sizeBytes);
  yield* messageSteps(writer, 'Document', document);
  return writer.take();
}

/** A field of a message, or of the one that it chooses. */
interface Entry {
  readonly number: number;
  readonly type: Type;
  readonly value: unknown;
  /** Of a `named` one. */
  readonly member?: string;
}

/** From the last to the first: the writer goes from the end to the front. */
function entriesOf(name: string, value: unknown): Entry[] {
  const message = messages[name]!;
  if (typeof message === 'function') {
    const [number, type] = message(value);
    return [{ number, type, value }];
  }
  const entries: Entry[] = [];
  for (const [member, content] of Object.entries(value as Members).reverse()) {
    const [number, type] = fieldOf(message, member) ?? [0, ''];
    if (number === 0 || content === undefined || content === null) continue;
    if (type.startsWith('named ')) entries.push({ number, type: type.slice(6), value: content, member });
    else entries.push({ number, type, value: content });
  }
  return entries;
}

function writeMessage(writer: BackWriter, name: string, value: unknown): void {
  for (const entry of entriesOf(name, value)) writeEntry(writer, entry);
}

function writeEntry(writer: BackWriter, { number, type, value, member }: Entry): void {
  if (member === undefined) writeValue(writer, { number, type, value });
  else {
    writeField(writer, number, () => {
      writeValue(writer, { number: 2, type, value });
      writeField(writer, 1, () => writer.string(member));
    });
  }
}

function* messageSteps(writer: BackWriter, name: string, value: unknown): Steps<void> {
  let since = writer.length;
  for (const entry of entriesOf(name, value)) {
    if (isSmall(entry.value)) writeEntry(writer, entry);
    else yield* entrySteps(writer, entry);
    if (writer.length - since < stepBytes) continue;
    since = writer.length;
    yield;
  }
}

function* entrySteps(writer: BackWriter, { number, type, value, member }: Entry): Steps<void> {
  const before = writer.length;
  if (member === undefined) {
    yield* valueSteps(writer, { number, type, value });
    return;
  }
  yield* valueSteps(writer, { number: 2, type, value });
  writeField(writer, 1, () => writer.string(member));
  endField(writer, number, before);
}

/** A large value: texts and the like are written at once all the same. */
function* valueSteps(writer: BackWriter, { number, type, value }: Entry): Steps<void> {
  if (type.endsWith('*') && Array.isArray(value)) {
    for (const item of value.toReversed()) {
      yield* valueSteps(writer, { number, type: type.slice(0, -1), value: item });
      yield;
    }
  } else if (messages[type] && !isSmall(value)) {
    const before = writer.length;
    yield* messageSteps(writer, type, value);
    endField(writer, number, before);
  } else writeValue(writer, { number, type, value });
}

function fieldOf(message: Fields, member: string): readonly [number, Type] | undefined {
  if (Object.hasOwn(message, member)) return message[member];
  const extension = message['x-*'];
  return member.startsWith('x-') && extension ? extension : message['*'];
}

function writeValue(writer: BackWriter, { number, type, value }: { number: number; type: Type; value: unknown }): void {
  if (type.endsWith('*')) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const item of values.toReversed()) writeValue(writer, { number, type: type.slice(0, -1), value: item });
  } else if (type === 'string') writeField(writer, number, () => writer.string(String(value)));
  else if (type === 'any') writeField(writer, number, () => writeAny(writer, value));
  else if (type === 'bool') writeScalar(writer, number * 8, () => writer.varint(value ? 1 : 0));
  else if (type === 'int64') writeScalar(writer, number * 8, () => writer.int64(Number(value)));
  else if (type === 'double') writeScalar(writer, number * 8 + 1, () => writer.double(Number(value)));
  else writeField(writer, number, () => writeMessage(writer, type, value));
}

/** Ends a field with a length that was begun when the writer held `before` bytes. */
function endField(writer: BackWriter, number: number, before: number): void {
  writer.varint(writer.length - before);
  writer.varint(lengthTag(number));
}

function writeScalar(writer: BackWriter, tag: number, write: () => void): void {
  write();
  writer.varint(tag);
}

/** Any { yaml = 2 }: JSON is YAML. */
function writeAny(writer: BackWriter, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  writer.string(text);
  writer.varint(Buffer.byteLength(text));
  writer.varint(lengthTag(2));
}
