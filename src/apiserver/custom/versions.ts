import type { CustomKind, Kind, UnknownObject } from '#api';
import { apiVersionOf, isCustomKind } from '#api';
import { createTurn } from '#base';
import { storageKindOf, toVersion } from '../content/versions.ts';
import { encodeObject } from '../storage/encode.ts';
import { Item } from '../storage/item.ts';
import { CacheEvent } from '../watch-cache/event.ts';
import type { ConverterDeps } from './converter.ts';
import { convertObjects } from './converter.ts';
import type { Definition } from './definition.ts';
import type { Definitions } from './definitions.ts';

type Soon<T> = T | Promise<T>;

/**
 * Objects in the version in which somebody wants them. What needs no webhook is there at once; else it is a promise that rejects with the Status of a
 * conversion that failed. Nothing that is given is changed.
 */
export interface Versions {
  /** Stored objects as the kind serves them, in order. Those of built-in kinds are what they were: renderers turn them into other versions. */
  serve(kind: Kind, items: readonly Item[]): Soon<readonly Item[]>;
  /** The same change as watchers of the kind see it; shared among them. */
  serveEvent(kind: Kind, event: CacheEvent): Soon<CacheEvent>;
  /** As an object of the kind is stored. */
  store(kind: Kind, object: UnknownObject): Soon<UnknownObject>;
  convert(object: UnknownObject, to: Kind): Soon<UnknownObject>;
  /** All versions of a kind, by apiVersion: those that are served, and those in which objects are stored. */
  versionsOf(kind: Kind): ReadonlyMap<string, Kind>;
  /** Aborts when the kind is served no more, or by other rules; undefined for kinds that stay. */
  endOf(kind: Kind): AbortSignal | undefined;
  /** True while the definition of the kind is being deleted. */
  isTerminating(kind: Kind): boolean;
}

export function createVersions(definitions: Definitions, deps: ConverterDeps): Versions {
  const views = new WeakMap<Kind, WeakMap<Item, Item>>();
  const events = new WeakMap<Kind, WeakMap<CacheEvent, Soon<CacheEvent>>>();
  const serve = (kind: Kind, items: readonly Item[]): Soon<readonly Item[]> => {
    const definition = isCustomKind(kind) ? definitions.of(kind) : undefined;
    if (!definition) return items;
    if (items.every(item => item.settledBy === kind && item.isOf(apiVersionOf(kind)))) return items;
    const known = entry(views, kind);
    const missing = items.filter(item => !known.has(item));
    const remember = (served: readonly Item[]) => {
      for (const [index, item] of missing.entries()) known.set(item, served[index]!);
      return items.map(item => known.get(item)!);
    };
    if (missing.length === 0) return remember([]);
    return later(serveItems(definition, { items: missing, kind: kind as CustomKind }, deps), remember);
  };
  const convert = (object: UnknownObject, to: Kind): Soon<UnknownObject> => {
    const definition = isCustomKind(to) ? definitions.of(to) : undefined;
    if (!definition) return toVersion(object, to);
    return later(convertObjects(definition, { objects: [object], to: to as CustomKind }, deps), ([one]) => one!);
  };
  const versionsOf = (kind: Kind): ReadonlyMap<string, Kind> => {
    const definition = definitions.of(kind);
    if (definition) return definition.kinds;
    const same = definitions
      .scheme()
      .kinds()
      .filter(other => other.storagePrefix === kind.storagePrefix);
    return new Map(same.map(other => [apiVersionOf(other), other]));
  };
  return {
    serve,
    serveEvent(kind, event) {
      if (!isCustomKind(kind)) return event;
      const known = entry(events, kind);
      let served = known.get(event);
      if (served === undefined) {
        served = later(serve(kind, partsOf(event)), items => eventOf(event, items));
        known.set(event, served);
        if (served instanceof Promise) served.catch(() => known.delete(event));
      }
      return served;
    },
    store(kind, object) {
      const definition = definitions.of(kind);
      return convert(object, definition ? definition.storage : storageKindOf(definitions.scheme(), kind));
    },
    convert,
    versionsOf,
    endOf: kind => (isCustomKind(kind) ? definitions.of(kind)?.ended.signal : undefined),
    isTerminating: kind => isCustomKind(kind) && (definitions.of(kind)?.isTerminating ?? false),
  };
}

function later<T, U>(value: Soon<T>, next: (value: T) => U): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function entry<K extends object, V>(maps: WeakMap<Kind, WeakMap<K, V>>, kind: Kind): WeakMap<K, V> {
  let map = maps.get(kind);
  if (!map) {
    map = new WeakMap();
    maps.set(kind, map);
  }
  return map;
}

/**
 * As upstream reads its store: fields that the stored version does not have (any more) go, its defaults come, the object is converted, and fields that the wanted
 * version does not have go.
 */
function serveItems(
  definition: Definition,
  { items, kind }: { items: readonly Item[]; kind: CustomKind },
  deps: ConverterDeps,
): Soon<readonly Item[]> {
  if (items.length > maxAtOnce) return serveMany(definition, { items, kind }, deps);
  const settled = items.map(item => settle(definition, item));
  const objects = settled.map(({ object }) => object);
  return later(convertObjects(definition, { objects, to: kind, own: true }, deps), converted =>
    items.map((item, index) => served({ item, kind, isSame: settled[index]!.isSame, object: converted[index]! })),
  );
}

/** More are served in as many turns of the event loop as it takes. */
const maxAtOnce = 32;

async function serveMany(
  definition: Definition,
  { items, kind }: { items: readonly Item[]; kind: CustomKind },
  deps: ConverterDeps,
): Promise<readonly Item[]> {
  const turn = createTurn(deps.clock);
  const settled: ReturnType<typeof settle>[] = [];
  for (const item of items) {
    settled.push(settle(definition, item));
    if (turn.isOver()) await turn.next();
  }
  const objects = settled.map(({ object }) => object);
  const converted = await convertObjects(definition, { objects, to: kind, own: true }, deps);
  const all: Item[] = [];
  for (const [index, item] of items.entries()) {
    all.push(served({ item, kind, isSame: settled[index]!.isSame, object: converted[index]! }));
    if (turn.isOver()) await turn.next();
  }
  return all;
}

/** `isSame`: nothing of the item has changed in the version in which it is stored. */
function served(from: { item: Item; kind: CustomKind; isSame: boolean; object: UnknownObject }): Item {
  const { item, kind, isSame, object } = from;
  return isSame && item.isOf(apiVersionOf(kind)) ? item : itemOf(item, object);
}

/** A stored object by today's rules of its version, for the caller to keep; `isSame`: as it is stored. */
function settle(definition: Definition, item: Item): { object: UnknownObject; isSame: boolean } {
  const kind = definition.kinds.get(item.apiVersion);
  const object = item.copy();
  if (!kind) return { object, isSame: true };
  kind.custom.prune(object);
  kind.custom.applyDefaults(object);
  return { object, isSame: JSON.stringify(object) === item.bytes.toString() };
}

function itemOf(item: Item, object: UnknownObject): Item {
  const served = Item.stored(item.key, item.revision, encodeObject(object));
  object.metadata.resourceVersion = String(item.revision);
  served.remember(object);
  return served;
}

function partsOf({ item, previous }: CacheEvent): readonly Item[] {
  return [item, previous].filter(part => part !== undefined);
}

function eventOf(event: CacheEvent, served: readonly Item[]): CacheEvent {
  const parts = partsOf(event);
  if (served.every((item, index) => item === parts[index])) return event;
  const item = event.item && served[0]!;
  const previous = event.previous && served.at(-1)!;
  return new CacheEvent({ revision: event.revision, key: event.key, timeMs: event.timeMs, item, previous });
}
