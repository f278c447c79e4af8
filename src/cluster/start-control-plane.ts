import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { admission, tracing } from '#apiserver';
import { type Client, formatKubeconfig } from '#client';
import type { Store } from '#store';
import { openAccess } from './access-settings.ts';
import { openAudit } from './audit.ts';
import type { Bootstrap } from './bootstrap.ts';
import { authorityHash, type CertificateFolder, openCertificateFolder, writeFileAtomic } from './certificates.ts';
import type { Cluster } from './cluster.ts';
import { type ControlPlane, issuerOf, readOrMakeKey, startControlPlane } from './control-plane.ts';
import { isShared, openDatastore } from './datastore.ts';
import { parseDuration } from './durations.ts';
import { createJoinHandler, sameSecret } from './join-server.ts';
import { isBootstrapToken } from './join-tokens.ts';
import { createNodeNames, type NodeNames } from './node-names.ts';
import { ensureKeyRing, openSecretsEncryption } from './secrets-encryption.ts';
import { serverCertificates } from './server-certificates.ts';
import { StartError } from './start-error.ts';
import { ensureServerToken, parseToken } from './token.ts';

/** What upstream calls the parts of which ComponentStatuses tell. */
const componentNames: Readonly<Record<string, string>> = { controllers: 'controller-manager', scheduler: 'scheduler' };

/** The control plane of a server: certificates, token, API, kubeconfig. */
export async function startServerControlPlane(cluster: Cluster): Promise<ControlPlane> {
  const { config, paths, clock, random } = cluster;
  await using opening = new AsyncDisposableStack();
  const certificates = openCertificateFolder(paths.certificates, { clock, random });
  const store = isShared(config) ? opening.use(await openDatastore(config, cluster)) : undefined;
  const bootstrap = store && (await shareCertificates(cluster, store, certificates));
  await certificates.ensureAuthorities();
  const address = config['advertise-address'] || cluster.nodeAddress;
  const specs = serverCertificates(config, { node: cluster.nodeName, address });
  const pairs = new Map(
    await Promise.all(specs.map(async spec => [spec.name, await certificates.ensure(spec)] as const)),
  );
  const serving = pairs.get('serving-kube-apiserver')!;
  const kubelet = pairs.get('client-kube-apiserver')!;
  const authProxy = pairs.get('client-auth-proxy')!;
  const serverCa = certificates.authority('server-ca').certificate;
  const token = ensureServerToken({
    path: paths.tokenFile,
    configured: bootstrap?.secret ?? configuredToken(cluster),
    authority: serverCa,
    random,
  });
  const admissionFile = config['admission-control-config-file'];
  const names = createNodeNames();
  const joining = Promise.withResolvers<Client>();
  const controlPlane = await startControlPlane(
    {
      database: paths.database,
      shared: store && { store, server: cluster.nodeName },
      listen: {
        host: config['bind-address'],
        port: config['https-listen-port'],
        cert: serving.certificate,
        key: serving.key,
      },
      advertise: { address, port: config['https-listen-port'] },
      clientCa: certificates.authority('client-ca').certificate,
      serverCa,
      frontProxy: {
        ca: certificates.authority('request-header-ca').certificate,
        allowedNames: ['system:auth-proxy'],
        ...{ cert: authProxy.certificate, key: authProxy.key },
      },
      kubeletClient: { cert: kubelet.certificate, key: kubelet.key },
      serviceAccountKey: join(paths.certificates, 'service.key'),
      tracer: openTracer(cluster),
      eventTtlMs: parseDuration('event-ttl', config['event-ttl']),
      access: openAccess(config, {
        ...{ clock, random, log: cluster.log.child('access'), ownIssuer: issuerOf(config) },
      }),
      admission: admissionFile ? admission.readAdmissionConfiguration(admissionFile) : undefined,
      audit: openAudit(config, { clock, log: cluster.log.child('audit'), meter: cluster.meter }),
      encryption: openSecretsEncryption(config, {
        folder: dirname(paths.tokenFile),
        ...{ clock, random, log: cluster.log.child('encryption'), meter: cluster.meter },
        onKeys: bootstrap?.publish,
      }),
      cluster: config,
      components: () =>
        cluster.started
          .filter(({ name }) => name in componentNames)
          .map(({ name, running }) => ({ name: componentNames[name]!, problem: running.ready() })),
      descriptions: () => readDescriptions(cluster),
      front: createJoinHandler({
        certificates,
        isAllowed: async (user, secret) =>
          user === 'server'
            ? sameSecret(secret, parseToken(token)!.secret)
            : isBootstrapToken(await joining.promise, { id: user, secret, nowMs: clock.now() }),
        claimName: names.claim,
        cluster: cluster.shared,
        clock,
        random,
      }),
    },
    cluster,
  );
  // From here on the store is the control plane's.
  opening.move();
  const joinClient = controlPlane.clientOf({ name: 'system:apiserver', groups: ['system:masters'] }, 'wherry-join');
  names.open(joinClient);
  joining.resolve(joinClient);
  cluster.controlPlane = controlPlane;
  cluster.connect = controlPlane.clientOf;
  await claimOwnName(cluster, names).catch(async (error: unknown) => {
    await controlPlane[Symbol.asyncDispose]();
    throw error;
  });
  const kubeletServing = pairs.get('serving-kubelet')!;
  cluster.nodeTls = {
    cert: kubeletServing.certificate,
    key: kubeletServing.key,
    ca: certificates.authority('client-ca').certificate,
  };
  const admin = pairs.get('client-admin')!;
  try {
    writeKubeconfig(cluster, { port: controlPlane.api.port!, ca: serverCa, cert: admin.certificate, key: admin.key });
  } catch (cause) {
    await controlPlane[Symbol.asyncDispose]();
    throw new StartError(
      `write-kubeconfig: cannot write ${config['write-kubeconfig']}: ${(cause as Error).message}; choose a path that can be written`,
      { cause },
    );
  }
  return controlPlane;
}

/** Authorities and keys as the first server on the datastore made them. */
async function shareCertificates(
  { paths, log, random, config }: Cluster,
  store: Store,
  certificates: CertificateFolder,
): Promise<Bootstrap> {
  const folder = dirname(paths.tokenFile);
  const given = parseToken(configuredToken({ config }));
  const known = given ?? (existsSync(paths.tokenFile) ? parseToken(readFileSync(paths.tokenFile, 'utf8')) : undefined);
  const makeFiles = async () => {
    await certificates.ensureAuthorities();
    readOrMakeKey(join(paths.certificates, 'service.key'));
    ensureKeyRing(config, { folder, random });
  };
  const { shareBootstrap } = await import('./bootstrap.ts');
  const options = { folder, secret: known?.secret, makeFiles };
  const bootstrap = await shareBootstrap(options, { store, random, log: log.child('bootstrap') });
  const hash = authorityHash(certificates.authority('server-ca').certificate);
  if (!given?.caHash || given.caHash === hash) return bootstrap;
  throw new StartError(
    `token: it names the authority ${given.caHash.slice(0, 12)}..., the datastore has ${hash.slice(0, 12)}...: it is the token of another cluster`,
  );
}

/** No agent may take the name of the server's own node; nor the server that of an agent. */
async function claimOwnName({ config, nodeName }: Cluster, names: NodeNames): Promise<void> {
  if (config['disable-agent']) return;
  const taken = await names.claim(nodeName, 'the server itself');
  if (taken) throw new StartError(taken);
}

function openTracer({ config, nodeName, clock, log, meter }: Cluster): tracing.Tracer | undefined {
  const file = config['tracing-config-file'];
  if (!file) return undefined;
  const options = { clock, log: log.child('tracing'), meter };
  return tracing.createTracer({ config: tracing.readTracingConfig(file), instance: nodeName, ...options });
}

/** Texts that set-up takes from a package; without them explain shows types only. */
function readDescriptions({ assetFolder, log }: Cluster): Record<string, string> {
  const path = join(assetFolder, 'descriptions.json');
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
  log.warn('no descriptions of fields: kubectl explain shows types only', { missing: path });
  return {};
}

/** The token of the options, or of the file that they name. */
export function configuredToken({ config }: Pick<Cluster, 'config'>): string {
  if (config.token || !config['token-file']) return config.token;
  if (!existsSync(config['token-file'])) throw new StartError(`token-file: ${config['token-file']} does not exist`);
  return readFileSync(config['token-file'], 'utf8').trim();
}

function writeKubeconfig({ config }: Cluster, access: { port: number; ca: string; cert: string; key: string }): void {
  const { port, ...credentials } = access;
  const host = ['0.0.0.0', '::'].includes(config['bind-address']) ? '127.0.0.1' : config['bind-address'];
  const text = formatKubeconfig({ name: 'default', server: `https://${host}:${port}`, ...credentials });
  const mode = Number.parseInt(config['write-kubeconfig-mode'], 8);
  writeFileAtomic(config['write-kubeconfig'], text, mode);
  chmodSync(config['write-kubeconfig'], mode);
}
