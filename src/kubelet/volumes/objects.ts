import type { ConfigMap, KubeObject, Pod, Resource, Secret } from '#api';
import { resources } from '#api';
import type { Clock, Log, Random } from '#base';
import type { Client, Informer, Informers } from '#client';
import { createInformers } from '#client';
import type { ObjectReader } from '../containers/env.ts';
import { containersOf } from '../pods/pod-spec.ts';

/** How long a pod waits for the first answer about an object. */
const firstAnswerMs = 10_000;

/** The ConfigMaps and Secrets that the node's pods name: each is watched as long as a pod names it. */
export interface PodObjects extends ObjectReader, AsyncDisposable {
  /** What the pod names from now on. */
  track(pod: Pod): void;
  forget(uid: string): void;
}

interface Watched {
  informers: Informers;
  informer: Informer<KubeObject>;
  users: Set<string>;
}

export function createPodObjects(options: {
  client: Client;
  clock: Clock;
  log: Log;
  random: Random;
  /** Something that the pod names has changed. */
  onChange(uid: string): void;
}): PodObjects {
  const watched = new Map<string, Watched>();
  const ofPod = new Map<string, Set<string>>();
  const closing = new Set<Promise<void>>();
  const drop = (uid: string, key: string) => {
    const one = watched.get(key);
    one?.users.delete(uid);
    if (!one || one.users.size > 0) return;
    watched.delete(key);
    const closed = Promise.resolve(one.informers[Symbol.asyncDispose]()).finally(() => closing.delete(closed));
    closing.add(closed);
  };
  const open = (key: string): Watched => {
    const [kind, namespace, name] = key.split('/') as [keyof typeof kinds, string, string];
    const informers = createInformers(options);
    const selection = { namespace, fieldSelector: `metadata.name=${name}` };
    const informer = informers.of(kinds[kind] as unknown as Resource<KubeObject>, selection);
    const one: Watched = { informers, informer, users: new Set() };
    informer.onChange(() => {
      for (const uid of one.users) options.onChange(uid);
    });
    watched.set(key, one);
    return one;
  };
  const read = async <T extends KubeObject>(key: string): Promise<T | undefined> => {
    const one = watched.get(key);
    const [, namespace, name] = key.split('/') as [string, string, string];
    if (!one) throw new Error(`${key} is not tracked`);
    if (!one.informer.synced()) {
      const late = new AbortController();
      const timeout = options.clock.sleep(firstAnswerMs, late.signal).then(
        () =>
          Promise.reject(
            new Error(`failed to sync ${key.replace('/', ' ')} cache: timed out waiting for the condition`),
          ),
        () => undefined, // the informer was first
      );
      await Promise.race([one.informer.whenSynced(), timeout]).finally(() => late.abort());
    }
    return one.informer.get(namespace, name) as T | undefined;
  };
  return {
    track(pod) {
      const uid = pod.metadata.uid ?? '';
      const now = new Set(namedBy(pod));
      for (const key of now) (watched.get(key) ?? open(key)).users.add(uid);
      for (const key of ofPod.get(uid) ?? []) if (!now.has(key)) drop(uid, key);
      ofPod.set(uid, now);
    },
    forget(uid) {
      for (const key of ofPod.get(uid) ?? []) drop(uid, key);
      ofPod.delete(uid);
    },
    configMap: (namespace, name) => read<ConfigMap>(`configmap/${namespace}/${name}`),
    secret: (namespace, name) => read<Secret>(`secret/${namespace}/${name}`),
    async [Symbol.asyncDispose]() {
      await Promise.all([...Array.from(watched.values(), one => one.informers[Symbol.asyncDispose]()), ...closing]);
      watched.clear();
    },
  };
}

const kinds = { configmap: resources.configmaps, secret: resources.secrets } as const;

/** Every ConfigMap and Secret that the pod names, as keys. */
export function namedBy(pod: Pod): string[] {
  const { namespace } = pod.metadata;
  const maps: (string | undefined)[] = [];
  const secrets: (string | undefined)[] = (pod.spec.imagePullSecrets ?? []).map(one => one.name);
  for (const volume of pod.spec.volumes ?? []) {
    maps.push(volume.configMap?.name, ...(volume.projected?.sources ?? []).map(one => one.configMap?.name));
    secrets.push(volume.secret?.secretName, ...(volume.projected?.sources ?? []).map(one => one.secret?.name));
  }
  for (const { container } of containersOf(pod)) {
    for (const from of container.envFrom ?? []) {
      maps.push(from.configMapRef?.name);
      secrets.push(from.secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      maps.push(valueFrom?.configMapKeyRef?.name);
      secrets.push(valueFrom?.secretKeyRef?.name);
    }
  }
  const keys = (kind: string, names: readonly (string | undefined)[]) =>
    names.filter(Boolean).map(name => `${kind}/${namespace}/${name}`);
  return [...new Set([...keys('configmap', maps), ...keys('secret', secrets)])];
}
