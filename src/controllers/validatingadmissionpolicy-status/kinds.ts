import { behaviours, cel, createScheme, type Scheme } from '#api';
import type { Client } from '#client';
import type { KindName, Kinds } from './plan.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Built-in kinds are known; of others the server is asked, whoever serves them. */
export function createKinds(client: Client): Kinds {
  let scheme: Scheme | undefined;
  const builtIn = () => {
    scheme ??= createScheme(behaviours);
    return scheme;
  };
  return {
    async named(group, version, resource) {
      const known = builtIn().byResource(group, version, resource);
      if (known) return { group, version, kind: known.kind };
      const document = await ask(client, pathOf({ group, version }));
      const list = (document?.['resources'] ?? []) as readonly { name?: string; kind?: string }[];
      const kind = list.find(({ name }) => name === resource)?.kind;
      return kind ? { group, version, kind } : undefined;
    },
    async typeOf(name) {
      const known = builtIn().byKind(name.group, name.version, name.kind);
      if (known) return cel.typeFromNode(known.type, name.kind);
      const document = await ask(client, `/openapi/v3${pathOf(name)}`);
      return document && typeInDocument(document, name);
    },
  };
}

function pathOf({ group, version }: Pick<KindName, 'group' | 'version'>): string {
  return group ? `/apis/${group}/${version}` : `/api/${version}`;
}

/** Undefined: there is no such document. */
async function ask(client: Client, path: string): Promise<Fields | undefined> {
  const response = await client.raw({ method: 'GET', path, headers: { accept: 'application/json' } });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  if (response.status === 404) return undefined;
  if (response.status !== 200) throw new Error(`GET ${path} answered ${response.status}`);
  return JSON.parse(Buffer.concat(chunks).toString()) as Fields;
}

/** The type of a kind in an OpenAPI v3 document. */
export function typeInDocument(document: Fields, name: KindName): cel.CelType | undefined {
  const { schemas = {} } = (document['components'] ?? {}) as { schemas?: Readonly<Record<string, Fields>> };
  const found = Object.values(schemas).find(schema =>
    ((schema['x-kubernetes-group-version-kind'] ?? []) as readonly KindName[]).some(
      ({ group, version, kind }) => group === name.group && version === name.version && kind === name.kind,
    ),
  );
  if (!found) return undefined;
  return cel.typeFromSchema(inline(found, schemas, []) as cel.CelSchema, { name: name.kind, resourceRoot: true });
}

/** Puts what schemas refer to in its place. What refers to itself has no type there. */
function inline(schema: unknown, schemas: Readonly<Record<string, Fields>>, outer: readonly string[]): unknown {
  if (Array.isArray(schema)) return schema.map(item => inline(item, schemas, outer));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref, allOf, ...rest } = schema as { $ref?: unknown; allOf?: unknown };
  const own = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, inline(value, schemas, outer)]));
  const only = Array.isArray(allOf) && allOf.length === 1 ? inline(allOf[0], schemas, outer) : {};
  const target = typeof $ref === 'string' ? $ref.slice($ref.lastIndexOf('/') + 1) : undefined;
  const isNew = target !== undefined && !outer.includes(target);
  const referred = isNew ? inline(schemas[target], schemas, [...outer, target]) : {};
  return { ...(referred as Fields), ...(only as Fields), ...own };
}
