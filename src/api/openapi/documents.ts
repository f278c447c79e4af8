import { createHash } from 'node:crypto';
import { type CustomKind, isCustomKind } from '../custom/kinds.ts';
import { customSchemas, referredTypes, schemaName } from '../custom/openapi.ts';
import type { Kind, Scheme } from '../scheme.ts';
import { typeTable } from '../tables.ts';
import { pathsOfKinds } from './paths.ts';
import { type Descriptions, type Style, schemasOf } from './schema.ts';

export interface OpenApiOptions {
  /** `v1.36.0` */
  version: string;
  descriptions: Descriptions;
  /** Documents of earlier schemes, by their paths: what has the same kinds is taken from there, and what is made is put there. */
  known?: Map<string, KnownDocument> | undefined;
}

/** A document and the kinds that it describes. */
export interface KnownDocument {
  readonly kinds: readonly Kind[];
  readonly document: Document;
}

/** The OpenAPI documents of a scheme, each made when first asked for. */
export interface OpenApi {
  /** `GET /openapi/v2`. */
  v2(): Document;
  /** `GET /openapi/v3`: paths of documents with their hashes. */
  index(): Document;
  /** `GET /openapi/v3/api/v1`, `/openapi/v3/apis/apps/v1`: by `api/v1`, `apis/apps/v1`. */
  v3(path: string): Document | undefined;
}

export interface Document {
  bytes: Buffer;
  /** SHA-512 of the bytes in hex, upper case, as upstream's hash and ETag. */
  hash: string;
}

const refPrefix: Record<Style, string> = { v2: '#/definitions/', v3: '#/components/schemas/' };

export function createOpenApi(scheme: Scheme, options: OpenApiOptions): OpenApi {
  const made = new Map<string, Document>();
  const remember = (key: string, make: () => unknown): Document => {
    const known = made.get(key);
    if (known) return known;
    const bytes = Buffer.from(JSON.stringify(make()));
    const document = { bytes, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() };
    made.set(key, document);
    return document;
  };
  const groups = new Map<string, Kind[]>();
  for (const kind of scheme.kinds()) {
    const path = kind.group ? `apis/${kind.group}/${kind.version}` : `api/${kind.version}`;
    groups.set(path, [...(groups.get(path) ?? []), kind]);
  }
  for (const path of options.known?.keys() ?? []) if (!groups.has(path)) options.known!.delete(path);
  const v3: OpenApi['v3'] = path => {
    const kinds = groups.get(path);
    if (!kinds) return undefined;
    const known = options.known?.get(path);
    if (known && isSame(known.kinds, kinds)) return known.document;
    const made = remember(path, () => document(kinds, 'v3', options));
    options.known?.set(path, { kinds, document: made });
    return made;
  };
  return {
    v2: () => remember('v2', () => document(scheme.kinds(), 'v2', options)),
    v3,
    index: () =>
      remember('index', () => ({
        paths: Object.fromEntries(
          [...groups.keys()].map(path => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${v3(path)!.hash}` }]),
        ),
      })),
  };
}

function isSame(a: readonly Kind[], b: readonly Kind[]): boolean {
  return a.length === b.length && a.every((kind, index) => kind === b[index]);
}

function document(kinds: readonly Kind[], style: Style, options: OpenApiOptions): unknown {
  const customs = kinds.filter(isCustomKind);
  const names = new Map([...typeNamesByGvk(), ...customs.flatMap(customNames)]);
  const nameOf = ({ group, version, kind }: { group: string; version: string; kind: string }) =>
    names.get(`${group}/${version} ${kind}`);
  const roots = kinds.flatMap(kind => [
    nameOf(kind),
    nameOf({ ...kind, kind: kind.listKind }),
    ...[...kind.subresources.values()].filter(sub => !sub.connect).map(sub => nameOf(sub.kind)),
  ]);
  const always = ['Status', 'DeleteOptions', 'APIResourceList', 'Patch'].map(
    name => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`,
  );
  const named = [...roots.filter(name => name !== undefined), ...always, ...(customs.length ? referredTypes : [])];
  const schemas = schemasOf(named, style, options.descriptions);
  for (const kind of customs) Object.assign(schemas, customSchemas(kind, style));
  const paths = pathsOfKinds(kinds, style, gvk => {
    const name = nameOf(gvk);
    return name && refPrefix[style] + name;
  });
  const info = { title: 'Kubernetes', version: options.version };
  const security = {
    BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
  };
  return style === 'v2'
    ? {
        swagger: '2.0',
        info,
        paths,
        definitions: schemas,
        securityDefinitions: security,
        security: [{ BearerToken: [] }],
      }
    : { openapi: '3.0.0', info, paths, components: { schemas, securitySchemes: security } };
}

function customNames({ group, version, kind, listKind }: CustomKind): [string, string][] {
  return [kind, listKind].map(name => [`${group}/${version} ${name}`, schemaName({ group, version, kind: name })]);
}

function typeNamesByGvk(): Map<string, string> {
  return new Map(Object.entries(typeTable).flatMap(([name, { gvk }]) => (gvk ? [[gvk, name] as const] : [])));
}
