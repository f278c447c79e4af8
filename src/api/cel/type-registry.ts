import {
  authorizerType,
  boolType,
  bytesType,
  type CelType,
  cidrType,
  decisionType,
  doubleType,
  durationType,
  dynType,
  formatType,
  groupCheckType,
  intType,
  ipType,
  listType,
  mapType,
  nullType,
  optionalType,
  pathCheckType,
  quantityType,
  resourceCheckType,
  semverType,
  stringType,
  timestampType,
  typeType,
  uintType,
  urlType,
} from './types.ts';

/** Types that any expression may name. */
const known: ReadonlyMap<string, CelType> = new Map([
  ['bool', boolType],
  ['bytes', bytesType],
  ['double', doubleType],
  ['int', intType],
  ['uint', uintType],
  ['string', stringType],
  ['null_type', nullType],
  ['list', listType(dynType)],
  ['map', mapType(dynType, dynType)],
  ['type', typeType()],
  ['optional_type', optionalType(dynType)],
  ['google.protobuf.Timestamp', timestampType],
  ['google.protobuf.Duration', durationType],
  ...[
    quantityType,
    urlType,
    ipType,
    cidrType,
    semverType,
    formatType,
    authorizerType,
    pathCheckType,
    groupCheckType,
    resourceCheckType,
    decisionType,
  ].map((type): [string, CelType] => [type.name!, type]),
]);

/** Finds types by name: the built-in ones, and the objects inside the given types. */
export function typeRegistry(types: readonly CelType[]): (name: string) => CelType | undefined {
  let objects: Map<string, CelType> | undefined;
  return name => {
    const builtIn = known.get(name);
    if (builtIn !== undefined) return builtIn;
    objects ??= collect(types);
    const found = objects.get(name);
    if (found !== undefined) return found;
    const dot = name.indexOf('.');
    const root = dot < 0 ? undefined : objects.get(name.slice(0, dot));
    return root !== undefined && root.fields === undefined ? { ...root, name } : undefined;
  };
}

function collect(types: readonly CelType[]): Map<string, CelType> {
  const objects = new Map<string, CelType>();
  const visit = (type: CelType): void => {
    for (const param of type.params ?? []) visit(param);
    if (type.kind !== 'object' || objects.get(type.name!) === type) return;
    objects.set(type.name!, type);
    for (const field of type.fields?.values() ?? []) visit(field.type);
  };
  types.forEach(visit);
  return objects;
}
