import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ComponentStatus, KubeObject, ResourceQuota, Secret, TokenRequest } from '#api';
import { resources } from '#api';
import {
  type AdmissionPlugin,
  type ApiServer,
  access,
  admission,
  aggregation,
  allocate,
  createConnect,
  fairness,
  locks,
  type ServerExtensions,
  type ServerParts,
  startApiServer,
  type tracing,
} from '#apiserver';
import { type Clock, type Log, type Meter, parseCidr, type Random, type Running } from '#base';
import { type Client, createClient, createHandlerTransport } from '#client';
import { openSqliteStore, type Store } from '#store';
import type { Handler, PeerUser, Request, Response } from '#wire';
import type { AccessSettings } from './access-settings.ts';
import type { AuditSettings } from './audit.ts';
import { writeFileAtomic } from './certificates.ts';
import { parsePortRange } from './config.ts';
import type { Config } from './config-table.ts';
import type { SecretsEncryption } from './secrets-encryption.ts';
import { version } from './version.ts';

export interface ControlPlaneConfig {
  /** SQLite file, or `:memory:`. */
  database: string;
  /** In place of it: an open store that several servers share, and under which name this one is told from the others. Disposed with the control plane. */
  shared?: { store: Store; server: string } | undefined;
  /** Undefined: reached only by calls in this process. */
  listen?: { host: string; port: number; cert: string; key: string } | undefined;
  /** Where other machines and pods reach the API. */
  advertise: { address: string; port: number };
  /** PEM of the authorities: of clients, and of what the API shows to pods. */
  clientCa: string;
  serverCa: string;
  /** How the API server shows itself to kubelets. */
  kubeletClient: { cert: string; key: string };
  /** How this server shows itself to API servers behind it, and whose certificates of the same authority it believes itself; undefined: neither. */
  frontProxy?: { ca: string; allowedNames: readonly string[]; cert: string; key: string } | undefined;
  /** File with the key that signs service-account tokens; made when absent. Undefined: a new key that lasts as long as the process. */
  serviceAccountKey: string | undefined;
  /** Who else says who comes in and what is allowed; closed with the control plane. */
  access?: AccessSettings | undefined;
  /** What an operator's file says to admission plugins. */
  admission?: admission.AdmissionConfiguration | undefined;
  /** What is written about requests; closed with the control plane. */
  audit?: AuditSettings | undefined;
  /** Gets a span of each request; closed with the control plane. */
  tracer?: tracing.Tracer | undefined;
  /** After how long events go; undefined: they stay. */
  eventTtlMs?: number | undefined;
  /** How values are sealed; undefined: they are stored as they are. */
  encryption?: SecretsEncryption | undefined;
  cluster: Pick<Config, 'cluster-cidr' | 'service-cidr' | 'service-node-port-range' | 'cluster-domain'>;
  /** How the parts of the control plane are, for ComponentStatuses. */
  components?: () => readonly { name: string; problem: string | undefined }[];
  /** Texts about fields for `kubectl explain`, asked for when the first OpenAPI document is made; empty without. */
  descriptions?: () => Readonly<Record<string, string>>;
  /** Paths that are answered before the API: joining nodes. */
  front?: (request: Request) => Promise<Response> | undefined;
}

export interface ControlPlaneDeps {
  clock: Clock;
  random: Random;
  log: Log;
  meter: Meter;
}

/** An API server over its store, with everything that decides about requests. */
export interface ControlPlane extends Running {
  readonly api: ApiServer;
  readonly handler: Handler;
  /** A client in this process that acts as the user, with the user's rights. */
  clientOf(user: PeerUser, component: string): Client;
  /** A token for a service account that no object is bound to: what a secret of type service-account-token holds. */
  signToken(about: {
    namespace: string;
    serviceAccount: { name: string; uid: string };
    secret: string;
  }): Promise<string>;
}

/** What is done after the start, by upstream's names of the hooks that do it there; each is a health check until it is done. */
const hooks = {
  roles: ['rbac/bootstrap-roles', 'scheduling/bootstrap-system-priority-classes', 'start-system-namespaces-controller'],
  fairness: ['priority-and-fairness-config-producer', 'priority-and-fairness-config-consumer'],
  service: ['bootstrap-controller'],
} as const;

const superuser: PeerUser = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** Starts the API; resolves when it answers and the objects that every cluster has are there. */
export async function startControlPlane(config: ControlPlaneConfig, deps: ControlPlaneDeps): Promise<ControlPlane> {
  await using cleanup = new AsyncDisposableStack();
  const { log } = deps;
  if (config.audit) cleanup.use(config.audit);
  if (config.access) cleanup.use(config.access);
  if (config.tracer) cleanup.use(config.tracer);
  const plainStore = cleanup.use(config.shared?.store ?? (await openDatabase(config.database, deps)));
  const store = config.encryption?.wrap(plainStore) ?? plainStore;
  // Some of what decides about requests writes through the server that it is part of: by a client that comes to life a little later.
  const late: { client?: Client; aggregation?: (client: Client) => Promise<void> } = {};
  const extend = createExtend({ config, deps, cleanup, writer: () => late.client });
  const keys = {
    issuer: undefined as ((about: Parameters<ControlPlane['signToken']>[0]) => Promise<string>) | undefined,
  };
  const api = cleanup.use(
    await startApiServer(
      {
        listen: config.listen && {
          host: config.listen.host,
          port: config.listen.port,
          tls: {
            cert: config.listen.cert,
            key: config.listen.key,
            ca: config.clientCa + (config.frontProxy?.ca ?? ''),
          },
        },
        advertise: `${config.advertise.address}:${config.advertise.port}`,
        version: {
          gitVersion: `${version.kubernetes}+wherry.${version.wherry}`,
          gitCommit: '',
          buildDate: '1970-01-01T00:00:00Z',
        },
        audit: config.audit,
        tracer: config.tracer,
        eventTtlMs: config.eventTtlMs,
        postStartHooks: Object.values(hooks).flat(),
        ...(config.front && { front: config.front }),
        ...(config.descriptions && { descriptions: config.descriptions }),
      },
      {
        ...deps,
        log: log.child('apiserver'),
        store,
        extend: parts => {
          const { extensions, signToken, aggregated } = extend(parts);
          keys.issuer = signToken;
          late.aggregation = client => aggregated.start(client, parts.scheme);
          return extensions;
        },
      },
    ),
  );
  const clientOf: ControlPlane['clientOf'] = (user, component) =>
    createClient({
      transport: createHandlerTransport(api.handler, user),
      userAgent: `${component}/${version.wherry}`,
      fieldManager: component,
    });
  late.client = clientOf(superuser, 'wherry-apiserver');
  await Promise.all([writeBasics(late.client, config, { api, deps, cleanup }), late.aggregation?.(late.client)]);
  if (config.encryption) cleanup.use(config.encryption.start());
  const running = cleanup.move();
  return {
    api,
    handler: api.handler,
    clientOf,
    signToken: about => keys.issuer!(about),
    ready: () => api.ready(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function openDatabase(path: string, { clock, log, meter }: ControlPlaneDeps): Promise<Store> {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return openSqliteStore({ path, clock, log: log.child('store'), meter });
}

/** Roles, namespaces, priority classes, and the Service under which pods reach the API. */
async function writeBasics(
  client: Client,
  config: ControlPlaneConfig,
  { api, deps, cleanup }: { api: ApiServer; deps: ControlPlaneDeps; cleanup: AsyncDisposableStack },
): Promise<void> {
  const result = await access.reconcileBootstrapRbac(client);
  for (const hook of hooks.roles) api.finishHook(hook);
  if (result.created) deps.log.debug('made the objects of every cluster', { ...result });
  if (config.frontProxy) {
    const { ca: requestHeaderCa, allowedNames } = config.frontProxy;
    const { clientCa } = config;
    await aggregation.ensureAuthenticationConfigMap(client, { clientCa, requestHeaderCa, allowedNames });
  }
  cleanup.use(
    access.startRoleAggregation({
      reader: api.reader,
      writer: client,
      clock: deps.clock,
      log: deps.log.child('role-aggregation'),
    }),
  );
  cleanup.use(
    await fairness.startFairnessObjects({
      reader: api.reader,
      writer: client,
      clock: deps.clock,
      log: deps.log.child('fairness'),
    }),
  );
  for (const hook of hooks.fairness) api.finishHook(hook);
  const port = api.port ?? config.advertise.port;
  const { address } = config.advertise;
  const serviceCidr = parseCidr(config.cluster['service-cidr'])!;
  const nodePorts = parsePortRange(config.cluster['service-node-port-range']);
  const addressesLog = deps.log.child('service-addresses');
  cleanup.use(
    await allocate.startServiceAddresses({
      ...{ reader: api.reader, client, clock: deps.clock, random: deps.random, log: addressesLog },
      ...{ serviceCidrs: [serviceCidr], nodePorts },
    }),
  );
  if (config.shared) {
    const { store } = config.shared;
    const log = deps.log.child('server-endpoints');
    const { startServerEndpoints } = await import('./server-endpoints.ts');
    cleanup.use(await startServerEndpoints({ store, client, clock: deps.clock, log, serviceCidr, address, port }));
  } else await allocate.ensureKubernetesService(client, { serviceCidr, servers: [{ address, port }] });
  for (const hook of hooks.service) api.finishHook(hook);
}

/** The issuer of service-account tokens. */
export function issuerOf(config: Pick<Config, 'cluster-domain'>): string {
  return `https://kubernetes.default.svc.${config['cluster-domain']}`;
}

interface Extended {
  extensions: ServerExtensions;
  signToken: ControlPlane['signToken'];
  aggregated: aggregation.Aggregation;
}

interface ExtendOptions {
  config: ControlPlaneConfig;
  deps: ControlPlaneDeps;
  cleanup: AsyncDisposableStack;
  writer(): Client | undefined;
}

function createExtend({ config, deps, cleanup, writer }: ExtendOptions) {
  const issuer = issuerOf(config.cluster);
  const audiences = [issuer];
  const keys = [access.readTokenKey(readOrMakeKey(config.serviceAccountKey))];
  return (parts: ServerParts): Extended => {
    const { reader } = parts;
    const { clock, random, log } = deps;
    const identity = config.frontProxy;
    const aggregated = cleanup.use(
      aggregation.createAggregation({ ...deps, reader, log: log.child('aggregation'), identity }),
    );
    const authorization = access.createAuthorization(reader, config.access?.order);
    const tokens = {
      ...{ clientCa: config.clientCa, serviceAccountKeys: keys, issuer, audiences, reader, clock },
      requestHeader: config.frontProxy,
      foreignTokens: config.access?.tokens(audiences),
      anonymousPaths: config.access?.anonymousPaths,
      noteUse: (secret: Secret, day: string) => noteTokenUse(writer(), secret, { day, log }),
    };
    const plugins = cleanup.use(
      admission.createAdmission({
        reader,
        authorization,
        clock,
        random,
        log: log.child('admission'),
        meter: deps.meter,
        configuration: config.admission,
        scheme: parts.scheme,
        resourceOfKind: parts.resourceOfKind,
        resourceOfName: parts.resourceOfName,
        writeQuotaStatus: async (quota: ResourceQuota) =>
          writer()?.update(resources.resourcequotas, quota, { subresource: 'status' }),
      }),
    );
    const allocator = cleanup.use(
      allocate.createServiceAllocator({
        reader,
        random,
        serviceCidrs: [parseCidr(config.cluster['service-cidr'])!],
        nodePorts: parsePortRange(config.cluster['service-node-port-range']),
        writer,
      }),
    );
    for (const problem of allocator.problems())
      log.warn('a stored Service has a wrong address or port', { ...problem });
    const issue = { keys, issuer, audiences, reader, clock, random };
    return {
      aggregated,
      extensions: {
        aggregation: aggregated,
        authenticate: access.createAuthenticator(tokens),
        authorize: authorization.authorize,
        impersonate: access.impersonate,
        admission: acrossServers([...plugins.plugins, allocator], { config, deps, parts }),
        reviews: access.createReviews({
          authorization,
          tokens: access.createTokenAuthenticator(tokens),
          audiences,
          clock,
        }),
        computed: { componentstatuses: () => (config.components?.() ?? []).map(componentStatus) },
        createToken: ({ object, ...about }) =>
          access.createTokenRequest(issue, { ...about, object: object as TokenRequest }) as Promise<KubeObject>,
        connect: createConnect({
          reader,
          random,
          kubeletTls: { ca: config.serverCa, ...config.kubeletClient },
        }),
        paths: { ...openIdPaths(keys, issuer), ...config.encryption?.paths },
      },
      signToken: about => access.createLegacyToken(keys, about),
    };
  };
}

/** As upstream tells of them; an error is Wherry's own sentence. */
function componentStatus({ name, problem }: { name: string; problem: string | undefined }): ComponentStatus {
  const healthy = { type: 'Healthy', status: 'True', message: 'ok' };
  const condition = problem ? { type: 'Healthy', status: 'False', error: problem } : healthy;
  return { apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name }, conditions: [condition] };
}

/** Labels a Secret with the day on which its token was used last. */
function noteTokenUse(client: Client | undefined, { metadata }: Secret, { day, log }: { day: string; log: Log }): void {
  const ref = { namespace: metadata.namespace, name: metadata.name! };
  const body = { metadata: { uid: metadata.uid, labels: { 'kubernetes.io/legacy-token-last-used': day } } };
  client
    ?.patch(resources.secrets, ref, { type: 'merge', body })
    .catch((error: unknown) => log.warn('the last use of a token could not be noted', { secret: ref.name, error }));
}

/** What hands out from what is left (quota, addresses, ports) takes turns with other servers, where there can be some. */
function acrossServers(
  plugins: readonly AdmissionPlugin[],
  { config, deps, parts }: Pick<ExtendOptions, 'config' | 'deps'> & { parts: ServerParts },
): readonly AdmissionPlugin[] {
  if (!config.shared) return plugins;
  const { store, server: holder } = config.shared;
  const { clock, random } = deps;
  const { reader, shown } = parts;
  const around = locks.createAcrossServers({ store, holder, clock, random, shown, log: deps.log.child('locks') });
  const lockOf: Record<string, locks.LockOf> = {
    ServiceAllocator: ({ kind, operation, subresource }) =>
      kind.storagePrefix === 'services/specs' && subresource === '' && operation !== 'DELETE' ? 'services' : undefined,
    ResourceQuota: ({ namespace, operation }) => {
      if (!namespace || operation === 'DELETE' || operation === 'CONNECT') return undefined;
      return reader.list(resources.resourcequotas, namespace).length > 0 ? `quota/${namespace}` : undefined;
    },
  };
  return plugins.map(plugin => {
    const lock = lockOf[plugin.name];
    return lock ? around(plugin, lock) : plugin;
  });
}

function openIdPaths(
  keys: Parameters<typeof access.openIdKeys>[0],
  issuer: string,
): NonNullable<ServerExtensions['paths']> {
  const answer = ({ contentType, body }: { contentType: string; body: string }): Response => ({
    status: 200,
    headers: { 'content-type': contentType },
    body: Buffer.from(body),
  });
  const { configuration, keys: keysPath } = access.openIdPaths;
  return {
    [configuration]: () => answer(access.openIdConfiguration({ issuer, keysUrl: `${issuer}${keysPath}`, keys })),
    [keysPath]: async () => answer(await access.openIdKeys(keys)),
  };
}

/** The key that signs service-account tokens, PEM; kept in the file when there is one. */
export function readOrMakeKey(path: string | undefined): string {
  if (path && existsSync(path)) return readFileSync(path, 'utf8');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  if (path) writeFileAtomic(path, pem, 0o600);
  return pem;
}
