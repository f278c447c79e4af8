/** One node of a structural schema (the part of JSONSchemaProps that a definition may use). Read it with `readSchema`: what users send is not trusted. */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly multipleOf?: number;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly externalDocs?: unknown;
  readonly example?: unknown;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

/** An entry of x-kubernetes-validations. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** A schema that cannot be read; `path` is where, below the root (`properties[spec].items`). */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** No schema of a real definition comes near; walks over schemas recurse this deep at most. */
export const maxSchemaDepth = 200;
/** Compiling this many nodes takes some 20 ms; the largest known definitions have a fifth of it. */
export const maxSchemaNodes = 50_000;

type Json = Record<string, unknown>;
type Reader = (value: unknown, at: Reading) => void;

/** One for all of a schema: paths are put together only for what is wrong. */
interface Reading {
  /** `.properties`, `[name]`, `.items`: where it is now. */
  readonly trail: string[];
  depth: number;
  nodes: number;
}

function problem({ trail }: Reading, message: string): SchemaError {
  return new SchemaError(trail.join('').replace(/^\./, ''), message);
}

function must(expected: string, test: (value: unknown) => boolean): Reader {
  return (value, at) => {
    if (!test(value)) throw problem(at, `must be ${expected}`);
  };
}

/** Goes on with what is inside. */
function inside(at: Reading, step: string, reader: Reader, value: unknown): void {
  at.trail.push(step);
  reader(value, at);
  at.trail.pop();
}

const isString = (value: unknown): boolean => typeof value === 'string';
const text = must('a string', isString);
const flag = must('a boolean', value => typeof value === 'boolean');
const number = must('a number', value => typeof value === 'number');
const integer = must('an integer', Number.isInteger);
const list = must('a list', Array.isArray);
const texts = must('a list of strings', value => Array.isArray(value) && value.every(isString));

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const schemas: Reader = (value, at) => {
  list(value, at);
  (value as unknown[]).forEach((part, index) => {
    inside(at, `[${index}]`, check, part);
  });
};

const schemaMap: Reader = (value, at) => {
  if (!isJson(value)) throw problem(at, 'must be an object');
  for (const key in value) inside(at, `[${key}]`, check, value[key]);
};

const ruleFields: Readonly<Record<string, Reader | undefined>> = {
  rule: text,
  message: text,
  messageExpression: text,
  reason: text,
  fieldPath: text,
  optionalOldSelf: flag,
};

const rule: Reader = (value, at) => {
  if (!isJson(value)) throw problem(at, 'must be an object');
  for (const name in value) {
    const reader = ruleFields[name];
    if (reader && value[name] !== null) inside(at, `.${name}`, reader, value[name]);
  }
};

const rules: Reader = (value, at) => {
  list(value, at);
  (value as unknown[]).forEach((part, index) => {
    inside(at, `[${index}]`, rule, part);
  });
};

const anySchema: Reader = (value, at) => {
  if (typeof value !== 'boolean') check(value, at);
};
/** An array of schemas is refused by the rules of definitions, with a text of its own. */
const items: Reader = (value, at) => {
  if (!Array.isArray(value)) check(value, at);
};

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>(
  Object.entries({
    type: text,
    format: text,
    title: text,
    description: text,
    nullable: flag,
    enum: list,
    properties: schemaMap,
    required: texts,
    additionalProperties: anySchema,
    items,
    maximum: number,
    exclusiveMaximum: flag,
    minimum: number,
    exclusiveMinimum: flag,
    multipleOf: number,
    maxLength: integer,
    minLength: integer,
    pattern: text,
    maxItems: integer,
    minItems: integer,
    uniqueItems: flag,
    maxProperties: integer,
    minProperties: integer,
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    not: (value: unknown, at: Reading) => {
      check(value, at);
    },
    'x-kubernetes-preserve-unknown-fields': flag,
    'x-kubernetes-embedded-resource': flag,
    'x-kubernetes-int-or-string': flag,
    'x-kubernetes-list-type': text,
    'x-kubernetes-list-map-keys': texts,
    'x-kubernetes-map-type': text,
    'x-kubernetes-validations': rules,
  }),
);

function check(value: unknown, at: Reading): void {
  if (at.depth > maxSchemaDepth) throw problem(at, `must not be nested deeper than ${maxSchemaDepth} levels`);
  if (++at.nodes > maxSchemaNodes) throw new SchemaError('', `must not have more than ${maxSchemaNodes} nodes`);
  if (!isJson(value)) throw problem(at, 'must be a schema');
  at.depth++;
  for (const name in value) {
    const reader = readers.get(name);
    // Null is the same as absent, as for Go's decoder.
    if (reader && value[name] !== null) inside(at, `.${name}`, reader, value[name]);
  }
  at.depth--;
}

/** Takes a definition's schema for what it is, after a look at every node. Throws SchemaError for wrong types and for schemas that are too deep or too large. */
export function readSchema(value: unknown): Schema {
  check(value, { trail: [], depth: 0, nodes: 0 });
  return value as Schema;
}

/** The schema of the values of a map; undefined where none is given (`additionalProperties: true`). */
export function valuesOf(schema: Schema): Schema | undefined {
  const values = schema.additionalProperties;
  return typeof values === 'object' && values !== null ? values : undefined;
}

/** The schema of a member, or undefined. Own properties only: a field may be called `constructor`. */
export function propertyOf(schema: Schema, name: string): Schema | undefined {
  return schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
}

export function isObject(value: unknown): value is Json {
  return isJson(value);
}

/** Writes a member also where its name is `__proto__`. */
export function setMember(object: Json, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else object[name] = value;
}
