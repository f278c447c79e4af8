import type { Steps } from '#base';
import { type CustomKind, isCustomKind } from '../custom/kinds.ts';
import { referredTypes, schemaName } from '../custom/openapi.ts';
import type { Kind, Scheme } from '../scheme.ts';
import { typeTable } from '../tables.ts';
import { assemble, type Document } from './assemble.ts';
import { membersOf, noParts, type Parts, Pieces, schemaParts } from './parts.ts';
import { pathsOfKinds } from './paths.ts';
import type { Descriptions, Style } from './schema.ts';

export interface OpenApiOptions {
  /** `v1.36.0` */
  version: string;
  descriptions: Descriptions;
  /** Documents of earlier schemes, by their paths: what has the same kinds is taken from there, and what is made is put there. One at a time may make documents with it. */
  known?: Map<string, KnownDocument> | undefined;
}

/** A document, the kinds that it describes and what it was put together of. */
export interface KnownDocument {
  readonly kinds: readonly Kind[];
  readonly document: Document;
  readonly parts: Parts;
}

/** The OpenAPI documents of a scheme. Each is made once, in steps: a change of one kind costs only what is about that kind, and the copying. */
export interface OpenApi {
  /** `GET /openapi/v2`. */
  v2(): Steps<Document>;
  /** `GET /openapi/v3`: paths of documents with their hashes. */
  index(): Steps<Document>;
  /** `GET /openapi/v3/api/v1`, `/openapi/v3/apis/apps/v1`: by `api/v1`, `apis/apps/v1`. */
  v3(path: string): Steps<Document> | undefined;
}

type Gvk = { group: string; version: string; kind: string };

interface Making {
  readonly options: OpenApiOptions;
  readonly known: Map<string, KnownDocument>;
  /** The name of the schema of a built-in kind. */
  readonly nameOf: (gvk: Gvk) => string | undefined;
}

const refPrefix: Record<Style, string> = { v2: '#/definitions/', v3: '#/components/schemas/' };
/** Among the paths of `known`; none of version 3 is called so. */
const v2Path = 'v2';

export function createOpenApi(scheme: Scheme, options: OpenApiOptions): OpenApi {
  const names = typeNamesByGvk();
  const known = options.known ?? new Map<string, KnownDocument>();
  const nameOf = ({ group, version, kind }: Gvk) => names.get(`${group}/${version} ${kind}`);
  const making: Making = { options, known, nameOf };
  const groups = groupVersionsOf(scheme);
  for (const path of known.keys()) if (path !== v2Path && !groups.has(path)) known.delete(path);
  let index: Document | undefined;
  const v3: OpenApi['v3'] = path => {
    const kinds = groups.get(path);
    return kinds && documentSteps({ path, kinds, style: 'v3' }, making);
  };
  return {
    v2: () => documentSteps({ path: v2Path, kinds: scheme.kinds(), style: 'v2' }, making),
    v3,
    *index() {
      if (index) return index;
      const paths: [string, object][] = [];
      for (const path of groups.keys()) {
        const { hash } = yield* v3(path)!;
        paths.push([path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]);
        yield;
      }
      index = yield* assemble([Buffer.from(JSON.stringify({ paths: Object.fromEntries(paths) }))]);
      return index;
    },
  };
}

function groupVersionsOf(scheme: Scheme): ReadonlyMap<string, readonly Kind[]> {
  const groups = new Map<string, Kind[]>();
  for (const kind of scheme.kinds()) {
    const path = kind.group ? `apis/${kind.group}/${kind.version}` : `api/${kind.version}`;
    const kinds = groups.get(path);
    if (kinds) kinds.push(kind);
    else groups.set(path, [kind]);
  }
  return groups;
}

interface Subject {
  readonly path: string;
  readonly kinds: readonly Kind[];
  readonly style: Style;
}

function* documentSteps(subject: Subject, making: Making): Steps<Document> {
  const { path, kinds } = subject;
  const known = making.known.get(path);
  if (known && isSame(known.kinds, kinds)) return known.document;
  const before = known?.parts ?? noParts;
  const paths = yield* pathParts(subject, making, before);
  const schemas = yield* schemaPartsOf(subject, making, before);
  const made = yield* putTogether({ paths, schemas }, subject.style, making.options.version);
  // Built-in kinds stay what they are: where there is nothing else, there will be no other document.
  const parts = kinds.every(kind => !isCustomKind(kind)) && subject.style === 'v3' ? noParts : made.parts;
  making.known.set(path, { kinds, document: made.document, parts });
  return made.document;
}

function isSame(a: readonly Kind[], b: readonly Kind[]): boolean {
  return a.length === b.length && a.every((kind, index) => kind === b[index]);
}

function* pathParts({ kinds, style }: Subject, making: Making, before: Parts): Steps<Parts['paths']> {
  const parts = new Map<Kind, Buffer>();
  for (const kind of kinds) {
    const refOf = (gvk: Gvk) => {
      const name = nameFor(kind, gvk, making);
      return name && refPrefix[style] + name;
    };
    parts.set(kind, before.paths.get(kind) ?? Buffer.from(membersOf(pathsOfKinds([kind], style, refOf))));
    yield;
  }
  return parts;
}

function* schemaPartsOf({ kinds, style }: Subject, making: Making, before: Parts): Steps<Parts['schemas']> {
  const customs = kinds.filter(isCustomKind);
  const roots = kinds.flatMap(kind => [
    nameFor(kind, kind, making),
    nameFor(kind, { ...kind, kind: kind.listKind }, making),
    ...[...kind.subresources.values()].filter(sub => !sub.connect).map(sub => nameFor(kind, sub.kind, making)),
  ]);
  yield;
  const always = ['Status', 'DeleteOptions', 'APIResourceList', 'Patch'].map(
    name => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`,
  );
  const named = [...roots.filter(name => name !== undefined), ...always, ...(customs.length ? referredTypes : [])];
  return yield* schemaParts({ named, customs }, { style, descriptions: making.options.descriptions, before });
}

/** The name of the schema of a kind that is spoken of where `about` is described. */
function nameFor(about: Kind, gvk: Gvk, { nameOf }: Making): string | undefined {
  return isCustomKind(about) && isOwn(about, gvk) ? schemaName(gvk) : nameOf(gvk);
}

function isOwn({ group, version, kind, listKind }: CustomKind, gvk: Gvk): boolean {
  return gvk.group === group && gvk.version === version && (gvk.kind === kind || gvk.kind === listKind);
}

function* putTogether(
  { paths, schemas }: Parts,
  style: Style,
  version: string,
): Steps<{ document: Document; parts: Parts }> {
  const pieces = new Pieces();
  const placed = { paths: new Map<Kind, [number, number]>(), schemas: new Map<string, [number, number]>() };
  const info = JSON.stringify({ title: 'Kubernetes', version });
  pieces.text(`{${style === 'v2' ? '"swagger":"2.0"' : '"openapi":"3.0.0"'},"info":${info},"paths":`);
  pieces.object(paths, (kind, start, end) => placed.paths.set(kind, [start, end]));
  pieces.text(style === 'v2' ? ',"definitions":' : ',"components":{"schemas":');
  const texts = [...schemas].map(([name, { bytes }]): [string, Buffer] => [name, bytes]);
  pieces.object(texts, (name, start, end) => placed.schemas.set(name, [start, end]));
  pieces.text(
    style === 'v2'
      ? `,"securityDefinitions":${security},"security":[{"BearerToken":[]}]}`
      : `,"securitySchemes":${security}}}`,
  );
  yield;
  const document = yield* assemble(pieces.bytes);
  const at = (place: [number, number]) => document.bytes.subarray(...place);
  const parts: Parts = {
    paths: new Map([...placed.paths].map(([kind, place]) => [kind, at(place)])),
    schemas: new Map([...schemas].map(([name, part]) => [name, { ...part, bytes: at(placed.schemas.get(name)!) }])),
  };
  return { document, parts };
}

const security = JSON.stringify({
  BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
});

function typeNamesByGvk(): Map<string, string> {
  return new Map(Object.entries(typeTable).flatMap(([name, { gvk }]) => (gvk ? [[gvk, name] as const] : [])));
}
