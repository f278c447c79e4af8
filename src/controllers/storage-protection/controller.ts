import type { KubeObject, Resource } from '#api';
import { resources } from '#api';
import type { Informer } from '#client';
import { isConflict, isNotFound } from '#client';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { type Loop, startLoop } from '../loop.ts';
import { isClaimInUse, isClassInUse, isVolumeInUse, isWaiting, withoutFinalizer } from './plan.ts';

const { persistentvolumeclaims, persistentvolumes, pods, volumeattributesclasses } = resources;

/** Lets deleted claims go when no pod uses them any more. */
export const claimProtection: ControllerSpec = {
  name: 'persistentvolumeclaim-protection',
  serviceAccount: 'pvc-protection-controller',
  reads: [persistentvolumeclaims, pods],
  writes: [{ resource: persistentvolumeclaims, verbs: ['update'] }],
  async start(deps) {
    const allPods = deps.informers.of(pods);
    return startProtection(deps, {
      name: 'persistentvolumeclaim-protection',
      resource: persistentvolumeclaims,
      finalizer: 'kubernetes.io/pvc-protection',
      users: [allPods],
      isInUse: claim => isClaimInUse(claim, allPods.list()),
    });
  },
};

/** Lets deleted volumes go when they are not bound. */
export const volumeProtection: ControllerSpec = {
  name: 'persistentvolume-protection',
  serviceAccount: 'pv-protection-controller',
  reads: [persistentvolumes],
  writes: [{ resource: persistentvolumes, verbs: ['update'] }],
  start: async deps =>
    startProtection(deps, {
      name: 'persistentvolume-protection',
      resource: persistentvolumes,
      finalizer: 'kubernetes.io/pv-protection',
      users: [],
      isInUse: isVolumeInUse,
    }),
};

/** Lets deleted attribute classes go when no claim and no volume names them. */
export const classProtection: ControllerSpec = {
  name: 'volumeattributesclass-protection',
  serviceAccount: 'volumeattributesclass-protection-controller',
  reads: [volumeattributesclasses, persistentvolumeclaims, persistentvolumes],
  writes: [{ resource: volumeattributesclasses, verbs: ['update'] }],
  async start(deps) {
    const [claims, volumes] = [deps.informers.of(persistentvolumeclaims), deps.informers.of(persistentvolumes)];
    return startProtection(deps, {
      name: 'volumeattributesclass-protection',
      resource: volumeattributesclasses,
      finalizer: 'kubernetes.io/vac-protection',
      users: [claims, volumes],
      isInUse: one => isClassInUse(one, { claims: claims.list(), volumes: volumes.list() }),
    });
  },
};

interface Protection<T extends KubeObject> {
  name: string;
  resource: Resource<T>;
  finalizer: string;
  /** A change of one of these may have ended a use. */
  users: readonly Pick<Informer<KubeObject>, 'whenSynced' | 'synced' | 'onChange'>[];
  isInUse(object: T): boolean;
}

function startProtection<T extends KubeObject>(deps: ControllerDeps, protection: Protection<T>): Loop {
  const { resource, finalizer, users } = protection;
  const all = deps.informers.of(resource);
  const waiting = () => all.list().filter(object => isWaiting(object, finalizer));
  const loop = startLoop(deps, {
    name: protection.name,
    informers: [all, ...users],
    async sync(key) {
      const [namespace, name] = split(key);
      const object = all.get(namespace, name);
      if (!object || !isWaiting(object, finalizer) || protection.isInUse(object)) return;
      try {
        await deps.client.update(resource, withoutFinalizer(object, finalizer));
      } catch (error) {
        // Gone, or about to be seen anew: its next change brings the key again.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
      return;
    },
  });
  loop.on(all, ({ type, object }) => (type !== 'deleted' && isWaiting(object, finalizer) ? [keyOf(object)] : []));
  for (const user of users) loop.on(user as Informer<KubeObject>, () => waiting().map(keyOf));
  return loop;
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`;

function split(key: string): [namespace: string | undefined, name: string] {
  const at = key.indexOf('/');
  return [key.slice(0, at) || undefined, key.slice(at + 1)];
}
