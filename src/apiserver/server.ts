import type { KubeObject, Resource, Scheme } from '#api';
import { behaviours, createDecoder, createFieldManager, createScheme } from '#api';
import type { Clock, Log, Meter, Random, Running } from '#base';
import type { Store } from '#store';
import { startCompaction } from '#store';
import type { Handler, HttpServer, HttpServerLimits, Request, Response, TlsFiles } from '#wire';
import { createProtobufCodec, startHttpServer } from '#wire';
import type { Authenticator, Authorizer } from './access.ts';
import type { AdmissionPlugin } from './admission.ts';
import { createChain } from './chain.ts';
import { jsonAnswer, textAnswer } from './content/answer.ts';
import type { Core } from './core.ts';
import type { Stage } from './exchange.ts';
import type { ServerWriter, StartHook } from './hooks.ts';
import { createWriter, runHooks } from './hooks.ts';
import { createDiscovery } from './plain/discovery.ts';
import type { HealthCheck } from './plain/health.ts';
import { createHealth } from './plain/health.ts';
import type { VersionInfo } from './plain/version.ts';
import { describeVersion } from './plain/version.ts';
import type { ObjectReader } from './reader.ts';
import { createRoute } from './route.ts';
import type { ExtraRoutes, PathRoute } from './routes.ts';
import type { Impersonator } from './stages/impersonate.ts';
import { defaultInFlight } from './stages/limit.ts';
import { createKeyParser } from './storage/keys.ts';
import { createReader } from './watch-cache/reader.ts';
import { WatchCache } from './watch-cache/watch-cache.ts';

export interface ApiServerConfig {
  /** Undefined: no socket; only the handler. */
  readonly listen?: { host: string; port: number; tls: TlsFiles | undefined; limits?: HttpServerLimits } | undefined;
  /** `10.0.0.1:6443`: where clients are told to come. */
  readonly advertise?: string | undefined;
  readonly version: VersionInfo;
  readonly inFlight?: { reading: number; mutating: number } | undefined;
  /** Sees every request first, before anybody is asked who they are; undefined from it: the API answers. For machines that join. */
  front?(request: Request): Promise<Response> | undefined;
}

/** What the extensions are made from: the server's own view of things, filled before they are asked for. */
export interface ServerParts {
  readonly reader: ObjectReader;
  readonly scheme: () => Scheme;
  /** Writes as the server itself; only after the extensions are made. */
  readonly writer: ServerWriter;
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
  readonly audit?: Stage | undefined;
  /** What the server does for itself once it answers. */
  readonly hooks?: readonly StartHook[] | undefined;
  /** Shown by /readyz beside the server's own. */
  readonly health?: readonly HealthCheck[] | undefined;
}

/** Closed with the server when it can be. */
type Extended = ServerExtensions & Partial<AsyncDisposable>;

export interface ApiServerDeps {
  readonly store: Store;
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
}

/**
 * The Kubernetes API over a store. Resolves when everything stored is in memory and requests are answered. Disposing ends watches, waits for requests
 * under way, and leaves the store open: it belongs to the caller. Rejects when the store cannot be read or the port is taken.
 */
export async function startApiServer(config: ApiServerConfig, deps: ApiServerDeps): Promise<ApiServer> {
  await using cleanup = new AsyncDisposableStack();
  const stopping = new AbortController();
  const core = await openCore(deps, stopping.signal, cleanup);
  let handle: Handler | undefined;
  // The writer goes through the chain, which is made of what the extensions are: until then there is nobody to ask.
  const writer = createWriter(async request => {
    if (!handle) throw new Error('the server does not answer yet');
    return handle(request);
  });
  const extensions = await deps.extend(partsOf(core, writer));
  if (extensions[Symbol.asyncDispose]) cleanup.use(extensions as AsyncDisposable);
  const checks: HealthCheck[] = [...(extensions.health ?? [])];
  const handler = createHandler({ config, deps, core: { ...core, ...pick(extensions) }, extensions, checks });
  handle = handler;
  const hooks = cleanup.use(runHooks(extensions.hooks ?? [], { writer, clock: deps.clock, log: deps.log }));
  checks.push(...hooks.checks);
  cleanup.use(startCompaction(deps));
  const http = config.listen && cleanup.use(await listen(config.listen, handler, deps));
  // First of all: watches end, so that nothing keeps a connection open.
  cleanup.defer(() => stopping.abort(new Error('the server stops')));
  const running = cleanup.move();
  return {
    handler,
    reader: core.reader,
    port: http?.port,
    url: http?.url,
    setTls: tls => http?.setTls(tls),
    ready: () => readiness(core),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

type OpenCore = Omit<Core, 'authorize' | 'admission'>;

function pick({ authorize, admission }: ServerExtensions): Pick<Core, 'authorize' | 'admission'> {
  return { authorize, admission };
}

async function openCore(deps: ApiServerDeps, stopping: AbortSignal, cleanup: AsyncDisposableStack): Promise<OpenCore> {
  const { store, clock, random, log, meter } = deps;
  const builtIn = deps.scheme ? undefined : createScheme(behaviours);
  const scheme = deps.scheme ?? (() => builtIn!);
  const cache = cleanup.use(new WatchCache({ store, parseKey: createKeyParser(scheme().kinds()), clock, log }));
  await cache.start();
  const reader = createReader(cache, scheme);
  const [decoder, fieldManager] = [createDecoder(), createFieldManager()];
  return {
    store,
    cache,
    reader,
    scheme,
    decoder,
    protobuf: createProtobufCodec(),
    fieldManager,
    clock,
    random,
    log,
    meter,
    stopping,
  };
}

function partsOf({ reader, scheme }: OpenCore, writer: ServerWriter): ServerParts {
  return {
    reader,
    writer,
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
  /** Grows until the server is started. */
  checks: readonly HealthCheck[];
}): Handler {
  const { config, deps, core, extensions } = parts;
  const checks = (): readonly HealthCheck[] => [
    { name: 'ping', isLive: true, check: () => undefined },
    { name: 'log', isLive: true, check: () => undefined },
    { name: 'etcd', isLive: true, check: () => readiness(core) },
    { name: 'informer-sync', isLive: false, check: () => readiness(core) },
    ...parts.checks,
    { name: 'shutdown', isLive: false, check: () => (core.stopping.aborted ? 'the server stops' : undefined) },
  ];
  const discovery = createDiscovery({ scheme: core.scheme, address: config.advertise ?? '' });
  const plain = { exact: new Map(exactPaths(config, deps, extensions)), others: [createHealth(checks), discovery] };
  return createChain({
    ...extensions,
    inFlight: config.inFlight ?? defaultInFlight,
    route: createRoute({ core, extra: extensions, plain }),
    clock: deps.clock,
    log: deps.log,
    meter: deps.meter,
  });
}

function exactPaths(
  config: ApiServerConfig,
  deps: ApiServerDeps,
  extensions: ServerExtensions,
): readonly (readonly [string, PathRoute])[] {
  const version = () =>
    jsonAnswer(200, describeVersion(config.version, `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`));
  return [
    ...Object.entries(extensions.paths ?? {}),
    ['/version', version],
    ['/version/', version],
    ['/metrics', async () => textAnswer(200, await deps.meter.text())],
  ];
}

function readiness({ cache, store }: Pick<OpenCore, 'cache' | 'store'>): string | undefined {
  return cache.isFresh() ? undefined : `the cache is at revision ${cache.revision}, the store at ${store.revision()}`;
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
