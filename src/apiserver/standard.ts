import { resources } from '#api';
import type { Cidr, Clock, Log, Random } from '#base';
import type { AuthenticationOptions, TokenKey } from './access/index.ts';
import {
  createAuthenticator,
  createAuthorization,
  createReviews,
  createTokenAuthenticator,
  createTokenRequest,
  impersonate,
  openIdConfiguration,
  openIdKeys,
  openIdPaths,
  reconcileBootstrapRbac,
} from './access/index.ts';
import { createAdmission } from './admission/index.ts';
import { createServiceAllocator, ensureKubernetesService } from './allocate/index.ts';
import { createConnect } from './connect/index.ts';
import { noCache } from './content/answer.ts';
import type { ServerWriter } from './hooks.ts';
import type { ServerExtensions, ServerParts } from './server.ts';

export interface StandardOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** PEM of the authorities that sign client certificates. */
  readonly clientCa: string;
  readonly serviceAccountKeys: readonly TokenKey[];
  /** `https://kubernetes.default.svc.cluster.local`. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** One range, or one of each family. */
  readonly serviceCidrs: readonly Cidr[];
  /** Both ends included. */
  readonly nodePorts: { readonly first: number; readonly last: number };
  /** Where pods and nodes reach this server; behind the Service default/kubernetes. */
  readonly advertise: { readonly address: string; readonly port: number };
  /** How the server shows itself to kubelets. Undefined: nothing reaches into nodes. */
  readonly kubeletTls?: { ca?: string; cert?: string; key?: string } | undefined;
  readonly tokens?: AuthenticationOptions['tokens'];
}

/** Everything that decides about requests on a real server, put together from the parts of this room. Give it to startApiServer as `extend`. */
export function createStandardExtensions(
  options: StandardOptions,
): (parts: ServerParts) => Promise<ServerExtensions & AsyncDisposable> {
  return async parts => {
    await using cleanup = new AsyncDisposableStack();
    const { reader } = parts;
    const { clock, random, log, issuer, audiences, serviceAccountKeys: keys } = options;
    const authorization = cleanup.use(createAuthorization(reader));
    const allocator = cleanup.use(
      createServiceAllocator({ reader, random, serviceCidrs: options.serviceCidrs, nodePorts: options.nodePorts }),
    );
    for (const problem of allocator.problems())
      log.warn('a service has an address or port that it should not have', { ...problem });
    const admission = cleanup.use(
      createAdmission({
        ...parts,
        authorization,
        clock,
        random,
        log,
        writeQuotaStatus: quota => parts.writer.updateStatus(resources.resourcequotas, quota),
      }),
    );
    const identity = { ...options, reader };
    const tokens = createTokenAuthenticator(identity);
    const moved = cleanup.move();
    return {
      authenticate: createAuthenticator(identity),
      authorize: authorization.authorize,
      impersonate,
      admission: [...admission.plugins, allocator],
      reviews: createReviews({ authorization, tokens, audiences, clock }),
      createToken: about => createTokenRequest({ keys, issuer, audiences, reader, clock, random }, about as never),
      connect: options.kubeletTls && createConnect({ reader, random, kubeletTls: options.kubeletTls }),
      paths: await openIdRoutes(options),
      hooks: [
        { name: 'rbac/bootstrap-roles', run: writer => reconcileBootstrapRbac(writer) },
        { name: 'bootstrap-controller', run: writer => publishSelf(writer, options) },
      ],
      [Symbol.asyncDispose]: () => moved[Symbol.asyncDispose](),
    };
  };
}

/** Namespaces are made by the other hook; until then this one fails and comes again. */
function publishSelf(writer: ServerWriter, { serviceCidrs, advertise }: StandardOptions): Promise<void> {
  return ensureKubernetesService(writer, { serviceCidr: serviceCidrs[0]!, ...advertise });
}

async function openIdRoutes({ issuer, serviceAccountKeys: keys, advertise }: StandardOptions) {
  const keysUrl = `https://${advertise.address}:${advertise.port}${openIdPaths.keys}`;
  const documents = {
    [openIdPaths.configuration]: openIdConfiguration({ issuer, keysUrl, keys }),
    [openIdPaths.keys]: await openIdKeys(keys),
  };
  const routes = Object.entries(documents).map(([path, { contentType, body }]) => {
    const answer = () => ({
      status: 200,
      headers: { 'content-type': contentType, 'cache-control': noCache },
      body: Buffer.from(body),
    });
    return [path, answer] as const;
  });
  return Object.fromEntries(routes);
}
