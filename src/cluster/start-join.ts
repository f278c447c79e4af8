import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running } from '#base';
import { type Client, createClient, createHttpsTransport, type Transport } from '#client';
import type { Cluster } from './cluster.ts';
import { joinCluster, rememberedJoin, Unreachable } from './join-client.ts';
import type { JoinAnswer } from './join-server.ts';
import { configuredToken } from './start-control-plane.ts';
import { version } from './version.ts';

const retryMs = 5_000;

/** An agent's first component: certificates from its server, and clients that use them. */
export async function startJoin(cluster: Cluster): Promise<Running> {
  const { config, paths, clock } = cluster;
  const folder = join(paths.agent, 'tls');
  const answer = await joinOrRemember(cluster, folder);
  cluster.shared = answer.cluster;
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  cluster.nodeTls = { cert: answer.servingCertificate, key: read('serving-kubelet.key'), ca: answer.clientAuthority };
  const transports = new Map<string, Transport>();
  const transportOf = (cert: string) => {
    const known = transports.get(cert);
    if (known) return known;
    const key = read('client-kubelet.key');
    const made = createHttpsTransport({ server: config.server, ca: answer.serverAuthority, cert, key, clock });
    transports.set(cert, made);
    return made;
  };
  cluster.connect = (user, component): Client => {
    const isNode = user.name === `system:node:${cluster.nodeName}`;
    return createClient({
      transport: transportOf(isNode ? answer.clientCertificate : answer.proxyCertificate),
      userAgent: `${component}/${version.wherry}`,
      fieldManager: component,
    });
  };
  return {
    ready: () => undefined,
    async [Symbol.asyncDispose]() {
      for (const transport of transports.values()) await transport[Symbol.asyncDispose]();
    },
  };
}

/** A server that is away is waited for, unless this node has joined before. */
async function joinOrRemember(cluster: Cluster, folder: string): Promise<JoinAnswer> {
  const { config, log, clock, nodeName, nodeAddress } = cluster;
  for (;;) {
    try {
      return await joinCluster({
        server: config.server,
        token: configuredToken(cluster),
        nodeName,
        addresses: [nodeAddress],
        folder,
      });
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      const known = rememberedJoin(folder);
      log.warn(known ? 'the server is away: starting with what it said before' : 'the server is away: trying again', {
        server: config.server,
        error,
      });
      if (known) return known;
      await clock.sleep(retryMs);
    }
  }
}
