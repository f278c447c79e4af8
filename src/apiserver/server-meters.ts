import { readdirSync, readFileSync } from 'node:fs';
import type { Kind, Scheme } from '#api';
import type { Clock, Meter } from '#base';
import type { Store } from '#store';
import type { VersionInfo } from './plain/version.ts';
import { describeVersion } from './plain/version.ts';
import { Family, type Series } from './stages/series.ts';
import type { WatchCache } from './watch-cache/watch-cache.ts';

export interface ServerMetersOptions {
  readonly meter: Meter;
  readonly clock: Clock;
  readonly store: Store;
  readonly cache: WatchCache;
  readonly version: VersionInfo;
  scheme(): Scheme;
}

/** Feature gates of upstream whose behaviour is there, with their stage in 1.36; GA has none. */
const features: readonly (readonly [name: string, stage: string])[] = [
  ['APIServerTracing', ''],
  ['ConsistentListFromCache', ''],
  ['OrderedNamespaceDeletion', ''],
  ['ResilientWatchCacheInitialization', ''],
  ['StructuredAuthenticationConfiguration', ''],
  ['WatchList', 'BETA'],
];

const gauge = (name: string, help: string, labels: readonly string[] = []) =>
  new Family({ name, help, type: 'gauge', labels });
const counter = (name: string, help: string, labels: readonly string[] = []) =>
  new Family({ name, help, type: 'counter', labels });

/** What is looked at only when somebody asks: what is stored, what the process uses, what this program is. */
export function exposeServerMeters(options: ServerMetersOptions): void {
  const { meter, version } = options;
  const { major = '', minor = '', compiler = '', platform = '', ...rest } = describeVersion(version, platformName());
  const build = gauge(
    'kubernetes_build_info',
    "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
    [...'major minor git_version git_commit git_tree_state build_date go_version compiler platform'.split(' ')],
  );
  const { gitVersion = '', gitCommit = '', gitTreeState = '', buildDate = '', goVersion = '' } = rest;
  build.of(major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform).value = 1;
  const enabled = gauge(
    'kubernetes_feature_enabled',
    'This metric records the data about the stage and enablement of a k8s feature.',
    ['name', 'stage'],
  );
  for (const [name, stage] of features) enabled.of(name, stage).value = 1;
  const stored = storedFamilies();
  const process = processFamilies();
  meter.expose(() => {
    measureStored(stored, options);
    measureProcess(process, options.clock);
    const all = [build, enabled, ...Object.values(stored), ...Object.values(process)];
    return all.map(family => family.text()).join('');
  });
}

/** What Go calls it. */
export function platformName(): string {
  return `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
}

function storedFamilies() {
  const byResource = ['group', 'resource'];
  return {
    objects: gauge('apiserver_storage_objects', 'Number of stored objects at the time of last check split by kind.', [
      'resource',
    ]),
    resources: gauge(
      'apiserver_resource_objects',
      'Number of stored objects at the time of last check split by kind.',
      byResource,
    ),
    size: gauge('apiserver_storage_size_bytes', 'Size of the storage database file physically allocated in bytes.', [
      'storage_cluster_id',
    ]),
    received: counter(
      'apiserver_watch_cache_events_received_total',
      'Counter of events received in watch cache broken by resource type.',
      byResource,
    ),
    version: gauge(
      'apiserver_watch_cache_resource_version',
      'Current resource version of watch cache broken by resource type.',
      byResource,
    ),
    watchers: gauge(
      'apiserver_registered_watchers',
      'Number of currently registered watchers for a given resource.',
      byResource,
    ),
  };
}

function measureStored(
  families: ReturnType<typeof storedFamilies>,
  { scheme, cache, store }: ServerMetersOptions,
): void {
  for (const kind of scheme().kinds()) {
    if (!kind.verbs.includes('list')) continue;
    const { group, resource, storagePrefix } = kind;
    const own = cache.of(storagePrefix);
    families.objects.of(group ? `${resource}.${group}` : resource).value = own.size;
    families.resources.of(group, resource).value = own.size;
    families.received.of(group, resource).value = own.received;
    families.version.of(group, resource).value = cache.revision;
    families.watchers.of(group, resource).value = own.watcherCount;
  }
  families.size.of('store-0').value = store.stats().sizeBytes;
}

function processFamilies() {
  return {
    cpu: counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.'),
    fds: gauge('process_open_fds', 'Number of open file descriptors.'),
    maxFds: gauge('process_max_fds', 'Maximum number of open file descriptors.'),
    resident: gauge('process_resident_memory_bytes', 'Resident memory size in bytes.'),
    virtual: gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.'),
    start: gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.'),
  };
}

function measureProcess(families: ReturnType<typeof processFamilies>, clock: Clock): void {
  const { user, system } = process.cpuUsage();
  families.cpu.of().value = (user + system) / 1e6;
  families.resident.of().value = process.memoryUsage.rss();
  families.start.of().value = Math.round(clock.now() / 1000 - process.uptime());
  try {
    families.fds.of().value = readdirSync('/proc/self/fd').length;
    families.maxFds.of().value = Number(
      /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0,
    );
    families.virtual.of().value =
      Number(/^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    // No /proc here: these stay 0.
  }
}

/** What watches count. */
export interface WatchCounts {
  /** Events sent, of one resource. */
  sent(kind: Kind): Series;
  /** Objects with which a watch or list began. */
  initial(kind: Kind): Series;
}

export function createWatchCounts(meter: Meter): WatchCounts {
  const labels = ['group', 'version', 'resource'];
  const sent = counter('apiserver_watch_events_total', 'Number of events sent in watch clients', labels);
  const initial = counter(
    'apiserver_init_events_total',
    'Counter of init events processed in watch cache broken by resource type.',
    ['group', 'resource'],
  );
  meter.expose(() => sent.text() + initial.text());
  return {
    sent: ({ group, version, resource }) => sent.of(group, version, resource),
    initial: ({ group, resource }) => initial.of(group, resource),
  };
}

/** How long the two steps of admission take. */
export function createAdmissionSteps(meter: Meter): Family {
  const family = new Family({
    name: 'apiserver_admission_step_admission_duration_seconds',
    help: 'Admission sub-step latency in seconds, by operation and step (validate or admit).',
    type: 'histogram',
    labels: ['type', 'operation', 'rejected'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5],
  });
  meter.expose(() => family.text());
  return family;
}
