import type { Descriptions, KubeObject, Resource, Scheme } from '#api';
import { behaviours, createDecoder, createFieldManager, createScheme } from '#api';
import type { Clock, Log, Meter, Random, Running } from '#base';
import { createClient, createHandlerTransport } from '#client';
import type { Store } from '#store';
import { startCompaction } from '#store';
import type { Handler, HttpServer, HttpServerLimits, Request, Response, TlsFiles } from '#wire';
import { createProtobufCodec, startHttpServer } from '#wire';
import type { Authenticator, Authorizer } from './access.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { Aggregation } from './aggregation/index.ts';
import type { AuditPolicy, AuditSink } from './audit/index.ts';
import { createAudit } from './audit/index.ts';
import { createChain } from './chain.ts';
import { jsonAnswer, textAnswer } from './content/answer.ts';
import type { Core } from './core.ts';
import type { Definitions } from './custom/index.ts';
import { createDefinitions, createVersions, startDefinitionController } from './custom/index.ts';
import { methodNotAllowed } from './errors.ts';
import type { Fairness } from './fairness/index.ts';
import { createFairness } from './fairness/index.ts';
import type { ServerState } from './plain/checks.ts';
import { createChecks } from './plain/checks.ts';
import { createDiscovery } from './plain/discovery.ts';
import type { HealthCheck } from './plain/health.ts';
import { createHealth } from './plain/health.ts';
import { createOpenApiRoutes } from './plain/openapi.ts';
import type { VersionInfo } from './plain/version.ts';
import { describeVersion } from './plain/version.ts';
import type { ObjectReader } from './reader.ts';
import { createRoute } from './route.ts';
import type { ExtraRoutes, PathRoute } from './routes.ts';
import { createAdmissionSteps, createWatchCounts, exposeServerMeters, platformName } from './server-meters.ts';
import type { Impersonator } from './stages/impersonate.ts';
import { defaultInFlight } from './stages/limit.ts';
import { startEventExpiry } from './storage/event-expiry.ts';
import { createKeyParser } from './storage/keys.ts';
import { meterStore } from './storage/metered-store.ts';
import { createThreads } from './threads/index.ts';
import type { Tracer } from './tracing/index.ts';
import { createReader } from './watch-cache/reader.ts';
import { WatchCache } from './watch-cache/watch-cache.ts';
import { createWebhookClient } from './webhook/index.ts';

export interface ApiServerConfig {
  /** Undefined: no socket; only the handler. */
  readonly listen?: { host: string; port: number; tls: TlsFiles | undefined; limits?: HttpServerLimits } | undefined;
  /** `10.0.0.1:6443`: where clients are told to come. */
  readonly advertise?: string | undefined;
  readonly version: VersionInfo;
  /** Texts of types and fields for OpenAPI and `kubectl explain`, asked for once, when a document is; empty without. */
  readonly descriptions?: (() => Descriptions) | undefined;
  /** What is written about requests, and to where; the sinks belong to the caller. */
  readonly audit?: { readonly policy: AuditPolicy; readonly sinks: readonly AuditSink[] } | undefined;
  /** Names of what is done after the start; each is a health check until `finishHook`. */
  readonly postStartHooks?: readonly string[] | undefined;
  /** After how long events go; undefined: they stay. */
  readonly eventTtlMs?: number | undefined;
  /** Gets a span of each request; belongs to the caller. */
  readonly tracer?: Tracer | undefined;
  readonly inFlight?: { reading: number; mutating: number } | undefined;
  /** Sees every request first, before anybody is asked who they are; undefined from it: the API answers. For machines that join. */
  readonly front?: ((request: Request) => Promise<Response> | undefined) | undefined;
}

/** What the extensions are made from: the server's own view of things, filled before they are asked for. */
export interface ServerParts {
  readonly reader: ObjectReader;
  readonly scheme: () => Scheme;
  /** Resolves when the reader shows everything up to the store's revision. */
  shown(revision: number): Promise<void>;
  /** The resource that serves a kind; undefined when none does. */
  resourceOfKind(apiVersion: string, kind: string): Resource<KubeObject> | undefined;
  /** By name as in quotas and reviews: `pods`, `widgets.example.com`; undefined when nothing serves it. */
  resourceOfName(groupResource: string): Resource<KubeObject> | undefined;
}

/** Who may come in, and what becomes of what they bring. */
export interface ServerExtensions extends ExtraRoutes {
  readonly authenticate: Authenticator;
  readonly authorize: Authorizer;
  readonly impersonate: Impersonator;
  /** In the order in which they run. */
  readonly admission: readonly AdmissionPlugin[];
  /** Other servers that serve parts of the API. */
  readonly aggregation?: Pick<Aggregation, 'route' | 'discovery' | 'openApi'> | undefined;
  /** Shown by /readyz beside the server's own. */
  readonly health?: readonly HealthCheck[] | undefined;
}

/** Closed with the server when it can be. */
type Extended = ServerExtensions & Partial<AsyncDisposable>;

export interface ApiServerDeps {
  readonly store: Store & { isStale?(key: string): Promise<boolean> };
  /** Default: all built-in kinds. */
  readonly scheme?: (() => Scheme) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** Makes what decides about requests; called once, when the reader shows what is stored. */
  extend(parts: ServerParts): Extended | Promise<Extended>;
}

export interface ApiServer extends Running {
  /** The whole server as a function: for calls inside the process. */
  readonly handler: Handler;
  readonly reader: ObjectReader;
  /** Only when it listens. */
  readonly port: number | undefined;
  readonly url: string | undefined;
  /** New certificates for new connections. */
  setTls(tls: TlsFiles): void;
  /** One of the post-start hooks is done: its check succeeds from now on. */
  finishHook(hook: string): void;
  /** /readyz fails from now on, so that nobody sends more; everything is answered as before until disposal. */
  beginShutdown(): void;
}

/**
 * The Kubernetes API over a store. Resolves when everything stored is in memory and requests are answered. Disposing ends watches, waits for requests
 * under way, and leaves the store open: it belongs to the caller. Rejects when the store cannot be read or the port is taken.
 */
export async function startApiServer(config: ApiServerConfig, deps: ApiServerDeps): Promise<ApiServer> {
  await using cleanup = new AsyncDisposableStack();
  const stopping = new AbortController();
  const core = await openCore(deps, stopping.signal, cleanup);
  const extensions = await deps.extend(partsOf(core));
  if (extensions[Symbol.asyncDispose]) cleanup.use(extensions as AsyncDisposable);
  const done = new Set<string>();
  let isStopping = false;
  const state: ServerState = {
    readiness: () => readiness(core),
    isStopping: () => isStopping || stopping.signal.aborted,
    hooks: config.postStartHooks ?? [],
    isDone: hook => done.has(hook),
  };
  if (config.eventTtlMs) cleanup.use(startEventExpiry({ ...core, ttlMs: config.eventTtlMs }));
  exposeServerMeters({ ...core, version: config.version });
  const fairness = cleanup.use(openFairness(config, deps, core));
  const handler = createHandler({ config, deps, core: { ...core, ...pick(extensions) }, extensions, fairness, state });
  cleanup.use(startCompaction(deps));
  cleanup.use(startDefinitionController({ ...core, client: ownClient(handler) }));
  const http = config.listen && cleanup.use(await listen(config.listen, withFront(handler, config.front), deps));
  // First of all: watches end, so that nothing keeps a connection open.
  cleanup.defer(() => stopping.abort(new Error('the server stops')));
  const running = cleanup.move();
  return {
    handler,
    reader: core.reader,
    port: http?.port,
    url: http?.url,
    setTls: tls => http?.setTls(tls),
    finishHook: hook => void done.add(hook),
    beginShutdown() {
      isStopping = true;
    },
    ready: () => readiness(core),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** What the server itself writes goes the way of everybody's writes. */
function ownClient(handler: Handler) {
  const user = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
  // Upstream's name in managedFields.
  const name = 'kube-apiserver';
  return createClient({ transport: createHandlerTransport(handler, user), userAgent: name, fieldManager: name });
}

type OpenCore = Omit<Core, 'authorize' | 'admission'> & { readonly definitions: Definitions };

function pick({ authorize, admission }: ServerExtensions): Pick<Core, 'authorize' | 'admission'> {
  return { authorize, admission };
}

async function openCore(deps: ApiServerDeps, stopping: AbortSignal, cleanup: AsyncDisposableStack): Promise<OpenCore> {
  const { clock, random, log, meter } = deps;
  const store = meterStore(deps.store, deps);
  const builtIn = deps.scheme?.() ?? createScheme(behaviours);
  const cache = cleanup.use(new WatchCache({ store, parseKey: createKeyParser(builtIn.kinds()), clock, log }));
  await cache.start();
  const late: { definitions?: Definitions } = {};
  const scheme = () => late.definitions?.scheme() ?? builtIn;
  const reader = createReader(cache, scheme);
  const webhooks = cleanup.use(createWebhookClient({ reader, clock, random }));
  const definitions = cleanup.use(
    createDefinitions({ reader, builtIn, log, onGone: prefix => cache.of(prefix).forget() }),
  );
  late.definitions = definitions;
  const [decoder, fieldManager] = [createDecoder(), createFieldManager()];
  return {
    store,
    cache,
    reader,
    scheme,
    definitions,
    versions: createVersions(definitions, { random, clock, meter, callWebhook: call => webhooks.call(call) }),
    decoder,
    protobuf: createProtobufCodec(),
    fieldManager,
    threads: cleanup.use(createThreads(deps)),
    clock,
    random,
    log,
    meter,
    stopping,
    isStale: deps.store.isStale,
    watchCounts: createWatchCounts(meter),
    admissionSteps: createAdmissionSteps(meter),
  };
}

function openFairness(config: ApiServerConfig, { clock, meter }: ApiServerDeps, core: OpenCore): Fairness {
  const { reading, mutating } = config.inFlight ?? defaultInFlight;
  return createFairness({
    ...{ reader: core.reader, clock, meter, seats: reading + mutating },
    countObjects({ group, version, resource }) {
      const kind = core.scheme().byResource(group, version, resource);
      return kind && core.cache.of(kind.storagePrefix).size;
    },
  });
}

function partsOf({ reader, scheme, cache }: OpenCore): ServerParts {
  return {
    reader,
    shown: revision => cache.waitFor(revision),
    scheme,
    resourceOfKind(apiVersion, kind) {
      const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
      return scheme().byKind(group ?? '', version ?? '', kind);
    },
    resourceOfName(groupResource) {
      const dot = groupResource.indexOf('.');
      const resource = dot < 0 ? groupResource : groupResource.slice(0, dot);
      const group = dot < 0 ? '' : groupResource.slice(dot + 1);
      return scheme()
        .kinds()
        .find(kind => kind.resource === resource && kind.group === group);
    },
  };
}

function createHandler(parts: {
  config: ApiServerConfig;
  deps: ApiServerDeps;
  core: Core;
  extensions: ServerExtensions;
  fairness: Fairness;
  state: ServerState;
}): Handler {
  const { config, deps, core, extensions, fairness } = parts;
  const health = createHealth(createChecks(parts.state, extensions.health ?? []));
  const discovery = createDiscovery({
    scheme: core.scheme,
    address: config.advertise ?? '',
    merge: extensions.aggregation?.discovery,
  });
  const openApi = createOpenApiRoutes({
    scheme: core.scheme,
    version: config.version.gitVersion,
    descriptions: config.descriptions ?? (() => ({})),
    clock: deps.clock,
    merge: extensions.aggregation?.openApi,
  });
  const others = [health.answer, discovery, openApi];
  const slis: PathRoute = () => textAnswer(200, health.slis());
  const plain = { exact: new Map([...exactPaths(config, deps, extensions), ['/metrics/slis', slis]]), others };
  return createChain({
    ...extensions,
    fairness,
    audit: createAudit({ policy: undefined, sinks: [], ...config.audit, ...deps, protobuf: core.protobuf }),
    route: createRoute({ core, extra: extensions, plain, elsewhere: extensions.aggregation?.route }),
    tracer: config.tracer,
    random: deps.random,
    clock: deps.clock,
    log: deps.log,
    meter: deps.meter,
    protobuf: core.protobuf,
  });
}

function exactPaths(
  config: ApiServerConfig,
  deps: ApiServerDeps,
  extensions: ServerExtensions,
): readonly (readonly [string, PathRoute])[] {
  const version: PathRoute = ({ method }) => {
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
    return jsonAnswer(200, describeVersion(config.version, platformName()));
  };
  return [
    ...Object.entries(extensions.paths ?? {}),
    ['/version', version],
    ['/version/', version],
    ['/metrics', async () => textAnswer(200, await deps.meter.text())],
  ];
}

function readiness({ cache, store }: Pick<OpenCore, 'cache' | 'store'>): string | undefined {
  // A shared store's changes come a little after they are known of: being behind is no fault there.
  if (store.problem) return store.problem();
  return cache.isFresh() ? undefined : `the cache is at revision ${cache.revision}, the store at ${store.revision()}`;
}

function withFront(handler: Handler, front: ApiServerConfig['front']): Handler {
  return front ? request => front(request) ?? handler(request) : handler;
}

function listen(
  where: NonNullable<ApiServerConfig['listen']>,
  handler: Handler,
  deps: ApiServerDeps,
): Promise<HttpServer> {
  const { log, clock } = deps;
  return startHttpServer({
    ...where,
    handler,
    log,
    clock,
    onConnectionError: (error, address) => log.debug('a connection failed', { address, error }),
  });
}
