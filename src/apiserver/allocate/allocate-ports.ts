import type { Service } from '#api';
import { internalError, invalid } from '../access/refuse.ts';
import type { AllocationState, PortRange, Task } from './allocation-state.ts';
import { pickNumber, staticBandOf } from './pick-number.ts';
import { wrong } from './service-families.ts';
import { nodePortsOf } from './service-holding.ts';

const band = { share: 32, least: 16, most: 128 };

/** Gives a Service the node ports that it needs and lacks. Throws 422 and 500 in upstream's words. */
export function allocatePorts(state: AllocationState, task: Task): void {
  const { service, old } = task;
  const { spec } = service;
  const held = new Set(old ? nodePortsOf(old) : []);
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') takeServicePorts(state, task, held);
  if (!needsHealthCheck(service)) return;
  const asked = spec.healthCheckNodePort;
  if (!asked) spec.healthCheckNodePort = takeAnyPort(state, task, 'failed to allocate a HealthCheck NodePort 0');
  else if (!held.has(asked)) {
    const problem = takePort(state, asked, task);
    if (problem) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${problem}`);
  }
}

function needsHealthCheck({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** Ports of one number (TCP and UDP of a DNS server) share a node port, as upstream. */
function takeServicePorts(state: AllocationState, task: Task, held: ReadonlySet<number>): void {
  const { service } = task;
  const { spec } = service;
  const mayAllocate = !(spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false);
  const own = new Set(held);
  for (const [index, port] of (spec.ports ?? []).entries()) {
    if (!port.nodePort || own.has(port.nodePort)) continue;
    const problem = takePort(state, port.nodePort, task);
    if (problem) {
      const cause = wrong(`spec.ports[${index}].nodePort`, port.nodePort, problem);
      throw invalid({ group: '', kind: 'Service' }, service.metadata.name, [cause]);
    }
    own.add(port.nodePort);
  }
  for (const port of spec.ports ?? []) {
    if (port.nodePort || !mayAllocate) continue;
    const twin = (spec.ports ?? []).find(
      other => other.port === port.port && other.nodePort && other.protocol !== port.protocol,
    );
    port.nodePort = twin?.nodePort ?? takeAnyPort(state, task, 'failed to allocate a nodePort');
  }
}

/** Upstream's complaint; undefined when the port is now ours. */
function takePort({ ports, nodePorts }: AllocationState, port: number, task: Task): string | undefined {
  if (!isInRange(nodePorts, port)) {
    const valid = `${nodePorts.first}-${nodePorts.last}`;
    return `provided port is not in the valid range. The range of valid ports is ${valid}`;
  }
  if (ports.has(port)) return 'provided port is already allocated';
  ports.take(port, task.request);
  task.taken.ports.push(port);
  return undefined;
}

export function isInRange({ first, last }: PortRange, port: number): boolean {
  return port >= first && port <= last;
}

function takeAnyPort({ ports, nodePorts, random }: AllocationState, task: Task, problem: string): number {
  const { first, last } = nodePorts;
  const size = last - first + 1;
  const isTaken = (number: number) => ports.has(first + number);
  const number = pickNumber({ size, staticBand: staticBandOf(size, band), random, isTaken, taken: ports.count });
  if (number === undefined) throw internalError(`${problem}: range is full`);
  ports.take(first + number, task.request);
  task.taken.ports.push(first + number);
  return first + number;
}
