import type { APIService, CustomResourceDefinition, Scheme } from '#api';
import { resources } from '#api';
import type { Clock, Log } from '#base';
import { type Client, isAlreadyExists, isNotFound, startQueue } from '#client';
import type { ObjectReader } from '../reader.ts';
import { apiServiceName, builtInPriority, customPriority, type GroupVersion, type Priority } from './priorities.ts';

/** Says that this server keeps an APIService, and how: from its start on, or always. */
export const managedLabel = 'kube-aggregator.kubernetes.io/automanaged';
type Managed = 'onstart' | 'true';

export interface RegistrationDeps {
  readonly reader: ObjectReader;
  readonly scheme: () => Scheme;
  readonly client: Pick<Client, 'create' | 'update' | 'delete'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Registration extends AsyncDisposable {
  /** Resolves when the APIService of every built-in group version was looked at once; what failed is tried again afterwards. */
  readonly complete: Promise<void>;
  /** An APIService changed. */
  poke(name: string): void;
}

/** Written at the same time, so that the store commits them together. */
const concurrency = 64;

/**
 * Keeps a local APIService for every group version that this server serves: those of built-in kinds are made and mended once, at the start (who deletes one
 * afterwards has it his way until the next), those of custom resources always. After upstream's autoregister and crdregistration controllers.
 */
export function startRegistration(deps: RegistrationDeps): Registration {
  const { reader, scheme, clock, log } = deps;
  const builtIn = wantedBuiltIn(scheme());
  const atStart = new Set(reader.list(resources.apiservices).map(({ metadata }) => metadata.name!));
  const synced = new Set<string>();
  const untried = new Set(builtIn.keys());
  const done = Promise.withResolvers<void>();
  /** Names of the APIServices of each definition: reading all definitions for one would take long. */
  const customs = new Map<string, readonly string[]>();
  const queue = startQueue(
    {
      name: 'apiservice-registration',
      concurrency,
      handle: async name => {
        const wanted = builtIn.get(name) ?? wantedCustom(customs, name);
        try {
          await syncOne(name, wanted, { ...deps, isFirst: !synced.has(name), wasAtStart: atStart.has(name) });
          synced.add(name);
          builtIn.delete(name);
        } finally {
          untried.delete(name);
          if (untried.size === 0) done.resolve();
        }
      },
    },
    { clock, log },
  );
  for (const name of new Set([...builtIn.keys(), ...atStart])) queue.add(name);
  const watching = reader.onChange(resources.customresourcedefinitions, (crd, isDeleted) => {
    if (isDeleted) customs.delete(crd.metadata.name);
    else customs.set(crd.metadata.name, servedNames(crd));
    for (const version of crd.spec.versions)
      queue.add(apiServiceName({ group: crd.spec.group, version: version.name }));
    for (const object of reader.list(resources.apiservices))
      if (object.spec.group === crd.spec.group) queue.add(object.metadata.name!);
  });
  return {
    complete: done.promise,
    poke: name => queue.add(name),
    async [Symbol.asyncDispose]() {
      watching[Symbol.dispose]();
      done.resolve();
      await queue[Symbol.asyncDispose]();
    },
  };
}

async function syncOne(
  name: string,
  wanted: APIService | undefined,
  { reader, client, isFirst, wasAtStart }: RegistrationDeps & { isFirst: boolean; wasAtStart: boolean },
): Promise<void> {
  const present = reader.get(resources.apiservices, undefined, name);
  const isOnStart = (object: APIService | undefined) => managedOf(object) === 'onstart';
  if (isOnStart(wanted) && !isFirst) return;
  if (!present) {
    if (wanted) await client.create(resources.apiservices, wanted).catch(unless(isAlreadyExists));
    return;
  }
  if (!managedOf(present)) return;
  if (isOnStart(present) && (!wasAtStart || !isFirst)) return;
  if (!wanted) {
    await client.delete(resources.apiservices, { name }).catch(unless(isNotFound));
    return;
  }
  if (isSameSpec(present, wanted)) return;
  await client.update(resources.apiservices, { ...present, spec: wanted.spec });
}

function managedOf(object: APIService | undefined): Managed | undefined {
  const value = object?.metadata.labels?.[managedLabel];
  return value === 'onstart' || value === 'true' ? value : undefined;
}

function isSameSpec({ spec: a }: APIService, { spec: b }: APIService): boolean {
  return (
    !a.service &&
    !a.caBundle &&
    !a.insecureSkipTLSVerify &&
    a.groupPriorityMinimum === b.groupPriorityMinimum &&
    a.versionPriority === b.versionPriority
  );
}

function unless(isExpected: (error: unknown) => boolean): (error: unknown) => void {
  return error => {
    if (!isExpected(error)) throw error;
  };
}

function wantedBuiltIn(scheme: Scheme): Map<string, APIService> {
  const wanted = new Map<string, APIService>();
  for (const { group, version } of scheme.kinds()) {
    const priority = builtInPriority({ group, version });
    const name = apiServiceName({ group, version });
    if (priority && !wanted.has(name)) wanted.set(name, localService({ group, version }, priority, 'onstart'));
  }
  return wanted;
}

function servedNames({ spec }: CustomResourceDefinition): readonly string[] {
  const served = spec.versions.filter(version => version.served);
  return served.map(version => apiServiceName({ group: spec.group, version: version.name }));
}

function wantedCustom(customs: ReadonlyMap<string, readonly string[]>, name: string): APIService | undefined {
  if (!customs.values().some(names => names.includes(name))) return undefined;
  const dot = name.indexOf('.');
  const [version, group] = [name.slice(0, dot), name.slice(dot + 1)];
  return localService({ group, version }, customPriority, 'true');
}

function localService(about: GroupVersion, priority: Priority, managed: Managed): APIService {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: apiServiceName(about), labels: { [managedLabel]: managed } },
    spec: { ...about, groupPriorityMinimum: priority.group, versionPriority: priority.version },
  };
}
