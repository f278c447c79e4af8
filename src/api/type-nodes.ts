import type { FieldNode, TypeNode } from './scheme.ts';
import { type FieldEntry, type GoEntry, goTable, typeTable } from './tables.ts';

const scalars: Readonly<Record<string, TypeNode>> = {
  string: { kind: 'string' },
  boolean: { kind: 'boolean' },
  object: { kind: 'object', preserveUnknown: true },
  any: { kind: 'any' },
  'integer:int32': { kind: 'integer', format: 'int32' },
  'integer:int64': { kind: 'integer', format: 'int64' },
  'number:double': { kind: 'number', format: 'double' },
  'string:date-time': { kind: 'time' },
  'string:byte': { kind: 'bytes' },
  'string:int-or-string': { kind: 'int-or-string' },
};

/** Scalars that the API gives a name. */
const special: Readonly<Record<string, TypeNode['kind']>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'microtime',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
};

/** Keys of associative lists that users leave out; the tables do not have these defaults (upstream: +default in core/v1/types.go). */
const keyDefaults: Readonly<Record<string, Readonly<Record<string, { default: unknown }>>>> = {
  'io.k8s.api.core.v1.ContainerPort': { protocol: { default: 'TCP' } },
  'io.k8s.api.core.v1.ServicePort': { protocol: { default: 'TCP' } },
};

/** Lists that are optional and yet written when they are empty: without omitempty upstream. */
const keptEmpty: ReadonlySet<string> = new Set([
  'io.k8s.api.discovery.v1.EndpointSlice.ports',
  'io.k8s.api.rbac.v1.ClusterRole.rules',
  'io.k8s.api.rbac.v1.Role.rules',
]);

/** Gives the shape of a named type of the tables; built when first asked for, then kept. Undefined for an unknown name. */
export type TypeNodes = (name: string) => TypeNode | undefined;

export function createTypeNodes(): TypeNodes {
  const nodes = new Map<string, TypeNode>();
  const named = (name: string): TypeNode | undefined => {
    const known = nodes.get(name);
    if (known) return known;
    const entry = typeTable[name];
    if (!entry) return undefined;
    if (special[name]) return remember(name, { kind: special[name], name });
    if (entry.alias) return remember(name, { ...scalars[entry.alias]!, name });
    return remember(name, new TableType(name, entry.fields ?? {}, entry.mapType, ofType));
  };
  const remember = (name: string, node: TypeNode) => {
    nodes.set(name, node);
    return node;
  };
  const ofType = (type: string): TypeNode => {
    const known = nodes.get(type);
    if (known) return known;
    if (scalars[type]) return scalars[type];
    if (type.startsWith('[]')) return remember(type, { kind: 'list', items: ofType(type.slice(2)) });
    if (type.startsWith('map:')) return remember(type, { kind: 'map', items: ofType(type.slice(4)) });
    const node = named(type);
    if (!node) throw new Error(`the types table has no ${type}`);
    return node;
  };
  return named;
}

/** An object type; its fields are made when something first looks at them, so that types nobody uses cost nothing, and circles are no trouble. */
class TableType implements TypeNode {
  readonly kind = 'object';
  readonly name: string;
  readonly mapType?: 'atomic' | 'granular';
  readonly #entries: Readonly<Record<string, FieldEntry>>;
  readonly #ofType: (type: string) => TypeNode;
  #fields: ReadonlyMap<string, FieldNode> | undefined;
  constructor(
    name: string,
    entries: Readonly<Record<string, FieldEntry>>,
    mapType: 'atomic' | 'granular' | undefined,
    ofType: (type: string) => TypeNode,
  ) {
    this.name = name;
    this.#entries = entries;
    this.#ofType = ofType;
    if (mapType) this.mapType = mapType;
  }
  get fields(): ReadonlyMap<string, FieldNode> {
    this.#fields ??= new Map(
      Object.entries(this.#entries).map(([name, entry]) => [
        name,
        { ...this.#field(name, entry), ...keyDefaults[this.name]?.[name] },
      ]),
    );
    return this.#fields;
  }
  #field(name: string, [type, extras = {}]: FieldEntry): FieldNode {
    const node = this.#ofType(type);
    const required = extras.required ?? false;
    const omitEmpty =
      !required && (node.kind === 'list' || node.kind === 'map') && !keptEmpty.has(`${this.name}.${name}`);
    const { omit, struct }: GoEntry = goTable[this.name] ?? {};
    return {
      ...extras,
      type: node,
      required,
      ...(omitEmpty && { omitEmpty }),
      ...(omit?.includes(name) && { omitZero: true }),
      ...(struct?.includes(name) && { isStruct: true }),
    };
  }
}
