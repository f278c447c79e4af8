import type { KubeObject, OwnerReference, Resource, UnknownObject } from '#api';
import { groupResourceOf } from '#api';
import type { Informer, InformerEvent } from '#client';
import { isNotFound } from '#client';
import type { DiscoveredResource, Discovery } from '../config.ts';
import type { ControllerDeps } from '../controller.ts';
import { groupOf } from '../owners.ts';
import type { OwnerState } from './plan.ts';
import { isDeletingDependents } from './plan.ts';

/** Events come and go in numbers and own nothing; upstream leaves them out too. */
const ignored: ReadonlySet<string> = new Set(['events', 'events.events.k8s.io']);
/** As long as upstream waits for informers. One may never sync: its definition was deleted, or its conversion fails. */
const syncWaitMs = 30_000;
/** Owners, finalizers and deletion stand in the metadata. */
const selection = { ownershipOnly: true };
/** Owners known to be gone; bounds memory, as upstream's cache of 500. */
const maxAbsent = 500;

export interface Located {
  resource: Resource<UnknownObject>;
  object: KubeObject;
}

/** Every object of the cluster and who owns it, as far as the informers show. */
export interface OwnerGraph {
  /** Follows what is served now, and leaves what is no more. */
  follow(discovery: Discovery): void;
  /**
   * Whether enough is known: what was followed first, and `all` of it for who must not miss a dependent. What does not sync in 30 s is waited for no
   * longer.
   */
  synced(all: boolean): boolean;
  find(uid: string): Located | undefined;
  dependentsOf(uid: string): Located[];
  /** Asks the server when the informers do not know. 'invalid': a namespaced owner of a cluster-scoped object, which cannot be. */
  stateOf(object: KubeObject, owner: OwnerReference): Promise<OwnerState | 'invalid'>;
  markAbsent(uid: string): void;
}

interface Monitor {
  resource: Resource<UnknownObject>;
  informer: Informer<UnknownObject>;
  subscription: Disposable;
  sinceMs: number;
  isFirst: boolean;
}

export function createOwnerGraph(
  { client, informers, clock }: Pick<ControllerDeps, 'client' | 'informers' | 'clock'>,
  onEvent: (resource: Resource<UnknownObject>, event: InformerEvent<UnknownObject>) => void,
): OwnerGraph & Disposable {
  const monitors = new Map<string, Monitor>();
  let isFirst = true;
  const absent = new Set<string>();
  const indexes = { owner: ({ metadata }: UnknownObject) => (metadata.ownerReferences ?? []).map(({ uid }) => uid) };
  const all = () => [...monitors.values()];
  const find = (uid: string): Located | undefined => {
    for (const { resource, informer } of monitors.values()) {
      const object = informer.byUid(uid);
      if (object) return { resource, object };
    }
    return undefined;
  };
  const ask = async (object: KubeObject, owner: OwnerReference): Promise<OwnerState | 'invalid'> => {
    const resource = all().find(
      one => one.resource.kind === owner.kind && one.resource.group === groupOf(owner.apiVersion),
    )?.resource;
    if (!resource) throw new Error(`no resource is known for owner ${owner.apiVersion} ${owner.kind}`);
    const { namespace } = object.metadata;
    if (resource.namespaced && !namespace) return 'invalid';
    try {
      const found = await client.get(resource, {
        namespace: resource.namespaced ? namespace : undefined,
        name: owner.name,
      });
      if (found.metadata.uid === owner.uid) return isDeletingDependents(found) ? 'waiting' : 'solid';
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    markAbsent(owner.uid);
    return 'absent';
  };
  const markAbsent = (uid: string) => {
    absent.add(uid);
    if (absent.size > maxAbsent) absent.delete(absent.values().next().value!);
  };
  const leave = (key: string, { resource, subscription }: Monitor) => {
    subscription[Symbol.dispose]();
    informers.leave(resource, selection);
    monitors.delete(key);
  };
  return {
    follow(discovery) {
      const wanted = new Map(discovery.resources.filter(isUsable).map(one => [keyOf(one), one]));
      for (const [key, monitor] of monitors) {
        const isStale = discovery.stale.includes(`${monitor.resource.group}/${monitor.resource.version}`);
        if (!wanted.has(key) && !(isStale && monitor.informer.synced())) leave(key, monitor);
      }
      for (const [key, resource] of wanted) {
        if (monitors.has(key)) continue;
        const informer = informers.of<UnknownObject>(resource, { ...selection, indexes });
        const subscription = informer.onChange(event => onEvent(resource, event));
        monitors.set(key, { resource, informer, subscription, sinceMs: clock.monotonicMs(), isFirst });
      }
      isFirst = false;
    },
    synced: needsAll =>
      all().every(
        one => one.informer.synced() || !(needsAll || one.isFirst) || clock.monotonicMs() - one.sinceMs >= syncWaitMs,
      ),
    find,
    dependentsOf: uid =>
      all().flatMap(({ resource, informer }) => informer.byIndex('owner', uid).map(object => ({ resource, object }))),
    async stateOf(object, owner) {
      if (absent.has(owner.uid)) return 'absent';
      const known = find(owner.uid);
      const { namespace } = known?.object.metadata ?? {};
      // The same uid under other coordinates is a reference to nothing: the server is asked for what the reference says.
      const meant = known?.object.metadata.name === owner.name && known.resource.kind === owner.kind;
      if (!known || !meant || (namespace && namespace !== object.metadata.namespace)) return ask(object, owner);
      return isDeletingDependents(known.object) ? 'waiting' : 'solid';
    },
    markAbsent,
    [Symbol.dispose]() {
      for (const { subscription } of monitors.values()) subscription[Symbol.dispose]();
    },
  };
}

function isUsable(resource: DiscoveredResource): boolean {
  return (
    ['list', 'watch', 'delete'].every(verb => resource.verbs.includes(verb)) && !ignored.has(groupResourceOf(resource))
  );
}

/** Another version or kind under the same name is followed anew. */
function keyOf({ group, version, resource, kind, namespaced }: DiscoveredResource): string {
  return [group, version, resource, kind, namespaced].join('|');
}
