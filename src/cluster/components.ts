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
const onNode = (cluster: Cluster) => cluster.role === 'agent' || !cluster.config['disable-agent'];

/** Everything that a server or an agent runs, in the order in which it starts. Each is loaded only when it is wanted. */
export const components: readonly Component[] = [
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
  { name: 'node', isWanted: onNode, start: async cluster => (await import('./start-node.ts')).startNode(cluster) },
];
