import { formatTime } from '#base';
import type { ManagedFieldsEntry } from '../types.ts';
import { type FieldSet, isEmptySet, leaf, readFieldSet, sortedSet, subtract, unite } from './field-set.ts';

/** One manager's fields. */
export interface Managed {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly set: FieldSet;
  /** The entry that this was read from, as long as its set is the same. */
  readonly entry?: ManagedFieldsEntry | undefined;
}

/** By `idOf`. */
export type Managers = Map<string, Managed>;

/** Who is who: an applier is the same in whatever version it applies. */
export function idOf(of: Pick<Managed, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const { manager, operation, apiVersion, subresource } = of;
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** Entries that cannot be understood: the text says why, as upstream. */
export class ManagedFieldsError extends Error {
  override readonly name = 'ManagedFieldsError';
}

/** `isStored`: of an object that was stored, so its sets have been looked at when they came. Throws ManagedFieldsError. */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined, isStored = false): Managers {
  const managers: Managers = new Map();
  for (const [index, entry] of (entries ?? []).entries()) {
    const read = readEntry(entry, index, isStored);
    managers.set(idOf(read), read);
  }
  return managers;
}

function readEntry(entry: ManagedFieldsEntry, index: number, isStored: boolean): Managed {
  const { manager = '', operation, apiVersion, subresource = '', time, fieldsType, fieldsV1 } = entry ?? {};
  if (operation !== 'Apply' && operation !== 'Update') {
    throw new ManagedFieldsError('operation must be `Apply` or `Update`');
  }
  if (!apiVersion) throw new ManagedFieldsError('apiVersion must not be empty');
  if (!fieldsType) throw new ManagedFieldsError(`missing fieldsType in managed fields entry ${index}`);
  if (fieldsType !== 'FieldsV1') {
    throw new ManagedFieldsError(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`);
  }
  const set = isStored ? ((fieldsV1 ?? leaf) as FieldSet) : readFieldSet(fieldsV1);
  if (!set) throw new ManagedFieldsError(`error decoding set in managed fields entry ${index}`);
  return { manager, operation, apiVersion, subresource, time, set, entry };
}

/** Appliers first, then by time, then by name, as upstream. Undefined: nobody manages anything. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(compareManaged).map(toEntry);
}

function compareManaged(a: Managed, b: Managed): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(secondsOf(a.time), secondsOf(b.time)) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function secondsOf(time: string | undefined): string {
  return time?.slice(0, 19) ?? '';
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function toEntry({ manager, operation, apiVersion, subresource, time, set, entry }: Managed): ManagedFieldsEntry {
  if (entry && entry.fieldsV1 === set && entry.time === time && entry.apiVersion === apiVersion) return entry;
  return {
    manager,
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: sortedSet(set),
    ...(subresource && { subresource }),
  };
}

/** The manager with other fields; undefined when none is left. */
export function withSet(managed: Managed, set: FieldSet): Managed | undefined {
  if (isEmptySet(set)) return undefined;
  return set === managed.set ? managed : { ...managed, set };
}

export function putOrDelete(managers: Managers, id: string, managed: Managed | undefined): void {
  if (managed) managers.set(id, managed);
  else managers.delete(id);
}

/** Fields that nobody manages: the server's own. */
const stripped: FieldSet = {
  'f:apiVersion': leaf,
  'f:kind': leaf,
  'f:metadata': {
    '.': leaf,
    'f:name': leaf,
    'f:namespace': leaf,
    'f:creationTimestamp': leaf,
    'f:selfLink': leaf,
    'f:uid': leaf,
    'f:clusterName': leaf,
    'f:generation': leaf,
    'f:managedFields': leaf,
    'f:resourceVersion': leaf,
  },
};

export function withoutServerFields(set: FieldSet): FieldSet {
  return subtract(set, stripped);
}

/** Upstream keeps this many Update entries; older ones are joined, by version, under this name. */
const maxUpdateManagers = 10;
const ancient = 'ancient-changes';

/** Joins the oldest updaters until there are few enough, in place. */
export function capUpdaters(managers: Managers): void {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  if (updaters.length <= maxUpdateManagers) return;
  updaters.sort(([a, x], [b, y]) => compareText(secondsOf(x.time), secondsOf(y.time)) || compareText(a, b));
  const firsts = new Map<string, string>();
  let left = updaters.length;
  for (const [id, managed] of updaters) {
    if (left <= maxUpdateManagers) return;
    const { apiVersion, time, set } = managed;
    const first = firsts.get(apiVersion);
    if (first === undefined) {
      firsts.set(apiVersion, id);
      continue;
    }
    const bucket: Managed = { manager: ancient, operation: 'Update', apiVersion, subresource: '', time, set };
    const bucketId = idOf(bucket);
    const joined = managers.get(bucketId) ?? managers.get(first)!;
    if (!managers.has(bucketId)) managers.delete(first);
    managers.delete(id);
    managers.set(bucketId, { ...bucket, set: unite(joined.set, set) });
    left--;
  }
}

export function timeOf(nowMs: number): string {
  return formatTime(nowMs);
}
