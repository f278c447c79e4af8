import type { Running } from '#base';
import type { Finding } from '#host';
import type { Cluster } from './cluster.ts';
import type { Config } from './config-table.ts';
import { pathsOf } from './paths.ts';
import { cniBinDirs } from './programs.ts';
import { runningPid } from './start.ts';
import { StartError } from './start-error.ts';

/** What this machine has and lacks for running pods, with the remedy for each. */
export async function checkMachine(config: Config): Promise<Finding[]> {
  // Loaded here: the door of this room leads through this file, and a control plane alone touches no machine.
  const { createExec, probeMachine } = await import('#host');
  const ours = runningPid(pathsOf(config).pidFile) !== undefined;
  const ports = [
    { port: config['https-listen-port'], protocol: 'tcp', purpose: 'the API (--https-listen-port)' },
    { port: config['kubelet-port'], protocol: 'tcp', purpose: 'the node agent (--kubelet-port)' },
    { port: 8472, protocol: 'udp', purpose: 'the pod network between nodes', device: 'wherry.vxlan' },
  ] as const;
  return probeMachine({
    // Our own server holds them.
    ports: ours ? [] : ports.filter(({ port }) => port !== 0),
    dataDir: config['data-dir'],
    cniBinDirs: cniBinDirs(config),
    exec: createExec(),
  });
}

/** Nothing is started on a machine that cannot run pods: all that is missing is said at once. */
export async function startMachine(cluster: Cluster): Promise<Running> {
  const missing = (await checkMachine(cluster.config)).filter(finding => finding.state === 'missing');
  if (missing.length) {
    const list = missing.map(({ name, found, remedy }) => `${name}: ${found}${remedy ? ` (${remedy})` : ''}`);
    const other = cluster.role === 'server' ? '. --disable-agent starts the control plane alone' : '';
    throw new StartError(`this machine cannot run pods: ${list.join('; ')}${other}`);
  }
  return { ready: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
}
