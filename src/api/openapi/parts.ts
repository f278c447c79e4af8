import type { Steps } from '#base';
import type { CustomKind } from '../custom/kinds.ts';
import { customSchemaNames, customSchemaSteps } from '../custom/openapi.ts';
import { jsonBytesSteps } from '../json-text.ts';
import type { Kind } from '../scheme.ts';
import { type Descriptions, type Style, schemaOfName } from './schema.ts';

/** The text of a schema of a document, with its name: `"name":{...}`. */
interface SchemaPart {
  /** The custom kind that it is of; undefined: of a type of the tables. */
  readonly kind: Kind | undefined;
  /** Names of the types that it refers to. */
  readonly refs: readonly string[];
  readonly bytes: Buffer;
}

/** Of what a document was put together. What stays the same in the next document is taken from here, and is there a part of its bytes: nothing is kept twice. */
export interface Parts {
  /** Texts of the paths of each kind: `"path":{...},"path":{...}`; empty when it has none. */
  readonly paths: ReadonlyMap<Kind, Buffer>;
  readonly schemas: ReadonlyMap<string, SchemaPart>;
}

export const noParts: Parts = { paths: new Map(), schemas: new Map() };

/** Members of an object as a text without braces. */
export function membersOf(object: object): string {
  return JSON.stringify(object).slice(1, -1);
}

/** The schemas of the types named and of all that they refer to, and those of the custom kinds, which come after and before which others of their names give way. */
export function* schemaParts(
  of: { named: readonly string[]; customs: readonly CustomKind[] },
  { style, descriptions, before }: { style: Style; descriptions: Descriptions; before: Parts },
): Steps<Parts['schemas']> {
  const schemas = new Map<string, SchemaPart>();
  const queue = [...of.named];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (schemas.has(name)) continue;
    const known = before.schemas.get(name);
    const part = known && !known.kind ? known : typePart(name, style, descriptions);
    if (!part) continue;
    for (const other of part.refs) if (!schemas.has(other)) queue.push(other);
    schemas.set(name, part);
    yield;
  }
  for (const kind of of.customs) yield* addCustom(schemas, kind, { style, before });
  return schemas;
}

function typePart(name: string, style: Style, descriptions: Descriptions): SchemaPart | undefined {
  const refs: string[] = [];
  const schema = schemaOfName(name, { style, descriptions, onRef: other => refs.push(other) });
  return schema && { kind: undefined, refs, bytes: Buffer.from(membersOf({ [name]: schema })) };
}

function* addCustom(
  schemas: Map<string, SchemaPart>,
  kind: CustomKind,
  { style, before }: { style: Style; before: Parts },
): Steps<void> {
  const known = customSchemaNames(kind).map(name => ({ name, part: before.schemas.get(name) }));
  if (known.every(({ part }) => part?.kind === kind)) {
    for (const { name, part } of known) schemas.set(name, part!);
    return;
  }
  const made = yield* customSchemaSteps(kind, style);
  for (const [name, schema] of Object.entries(made)) {
    const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(name)}:`), ...(yield* jsonBytesSteps(schema))]);
    schemas.set(name, { kind, refs: [], bytes });
    yield;
  }
}

/** Puts texts of members together, and tells where each came to stand. */
export class Pieces {
  readonly bytes: Uint8Array[] = [];
  #length = 0;

  text(text: string): void {
    this.#add(Buffer.from(text));
  }

  /** An object of members; `place` is told where each stands. Those that are empty are left out. */
  object<T>(members: Iterable<[T, Uint8Array]>, place: (member: T, start: number, end: number) => void): void {
    this.text('{');
    let isBegun = false;
    for (const [member, bytes] of members) {
      if (isBegun && bytes.length > 0) this.text(',');
      place(member, this.#length, this.#length + bytes.length);
      this.#add(bytes);
      isBegun ||= bytes.length > 0;
    }
    this.text('}');
  }

  #add(bytes: Uint8Array): void {
    this.bytes.push(bytes);
    this.#length += bytes.length;
  }
}
