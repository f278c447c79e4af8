import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running } from '#base';
import { createInformers } from '#client';
import { type ControllerConfig, controllers, startControllers } from '#controllers';
import { startScheduler } from '#scheduler';
import { openCertificateFolder } from './certificates.ts';
import { type Cluster, depsOf, users } from './cluster.ts';
import { runOnLeader } from './leading.ts';

/** All controllers, on one of the servers. */
export function startServerControllers(cluster: Cluster): Promise<Running> {
  const about = { name: 'kube-controller-manager', user: users.controllerManager };
  return runOnLeader(cluster, about, () => startOwnControllers(cluster));
}

/** Each under its own identity, over informers that they share. */
async function startOwnControllers(cluster: Cluster): Promise<Running> {
  const { clock, random, log, meter, config, paths } = cluster;
  const client = cluster.clientOf(users.controllerManager, 'kube-controller-manager');
  const informers = createInformers({ client, clock, log: log.child('controllers') });
  const running = await startControllers({
    specs: controllers,
    clientOf: name =>
      name === users.controllerManager.name
        ? client
        : cluster.clientOf(users.serviceAccount(name), name.split(':').at(-1)!),
    informers,
    config: {
      rootCa: readFileSync(join(paths.certificates, 'server-ca.crt'), 'utf8'),
      clusterCidrs: [config['cluster-cidr']],
      signToken: cluster.controlPlane!.signToken,
      signCertificate: createSigner(cluster),
    },
    clock,
    random,
    log: log.child('controllers'),
    meter,
  });
  return {
    ready: () => running.ready(),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await informers[Symbol.asyncDispose]();
    },
  };
}

/** As K3s: what clients show is signed by the clients' authority, everything else by the servers'. */
function createSigner({ paths, clock, random }: Cluster): NonNullable<ControllerConfig['signCertificate']> {
  const folder = openCertificateFolder(paths.certificates, { clock, random });
  return async ({ signerName, ...order }) => {
    const { signRequest } = await import('./sign-request.ts');
    const authority = folder.authority(signerName.includes('/kube-apiserver-client') ? 'client-ca' : 'server-ca');
    return signRequest(authority, order, { nowMs: clock.now(), random });
  };
}

/** The scheduler, on one of the servers. */
export function startServerScheduler(cluster: Cluster): Promise<Running> {
  return runOnLeader(cluster, { name: 'kube-scheduler', user: users.scheduler }, () => startOwnScheduler(cluster));
}

async function startOwnScheduler(cluster: Cluster): Promise<Running> {
  const deps = depsOf(cluster, { user: users.scheduler, component: 'default-scheduler', logName: 'scheduler' });
  const running = await startScheduler({}, deps);
  return {
    ready: () => running.ready(),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await deps[Symbol.asyncDispose]();
    },
  };
}
