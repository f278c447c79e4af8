import type { Running } from '#base';
import type { Cluster } from './cluster.ts';

/** One part of the program, started in order and stopped in reverse. */
export interface Component {
  readonly name: string;
  /** Whether this run has it. */
  isWanted(cluster: Cluster): boolean;
  start(cluster: Cluster): Promise<Running>;
}

const onServer = (cluster: Cluster) => cluster.role === 'server';
const onAgent = (cluster: Cluster) => cluster.role === 'agent';
const onNode = (cluster: Cluster) => cluster.role === 'agent' || !cluster.config['disable-agent'];

/** Everything that a server or an agent runs, in the order in which it starts. Each is loaded only when it is wanted. */
export const components: readonly Component[] = [
  {
    name: 'machine',
    isWanted: onNode,
    start: async cluster => (await import('./start-machine.ts')).startMachine(cluster),
  },
  {
    name: 'control-plane',
    isWanted: onServer,
    start: async cluster => (await import('./start-control-plane.ts')).startServerControlPlane(cluster),
  },
  {
    name: 'controllers',
    isWanted: onServer,
    start: async cluster => (await import('./start-controllers.ts')).startServerControllers(cluster),
  },
  {
    name: 'scheduler',
    isWanted: onServer,
    start: async cluster => (await import('./start-controllers.ts')).startServerScheduler(cluster),
  },
  {
    name: 'dns-service',
    isWanted: onServer,
    start: async cluster => (await import('./start-dns-service.ts')).startDnsService(cluster),
  },
  {
    name: 'join',
    isWanted: onAgent,
    start: async cluster => (await import('./start-join.ts')).startJoin(cluster),
  },
  {
    name: 'containerd',
    isWanted: onNode,
    start: async cluster => (await import('./start-runtime.ts')).startRuntime(cluster),
  },
  {
    name: 'overlay',
    isWanted: onNode,
    start: async cluster => (await import('./start-network.ts')).startNodeOverlay(cluster),
  },
  {
    name: 'kubelet',
    isWanted: onNode,
    start: async cluster => (await import('./start-kubelet.ts')).startNodeKubelet(cluster),
  },
  {
    name: 'proxy',
    isWanted: onNode,
    start: async cluster => (await import('./start-network.ts')).startNodeProxy(cluster),
  },
  {
    name: 'dns',
    isWanted: onNode,
    start: async cluster => (await import('./start-network.ts')).startNodeDns(cluster),
  },
];
