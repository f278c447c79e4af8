import type { Service } from '#api';
import { isInRange } from './allocate-ports.ts';
import type { PortRange } from './allocation-state.ts';
import { nodePortsOf } from './service-holding.ts';

export interface PortProblem {
  readonly service: Service;
  /** Upstream's, of the event. */
  readonly reason: 'PortAlreadyAllocated' | 'PortOutOfRange';
  readonly message: string;
}

/** Node ports that two Services have, or that lie outside the range. Source: portallocator/controller/repair.go. */
export function portProblems(services: readonly Service[], range: PortRange): PortProblem[] {
  const seen = new Set<number>();
  return services.flatMap(service =>
    nodePortsOf(service).flatMap((port): PortProblem[] => {
      if (!isInRange(range, port)) {
        const text = `Port ${port} is not within the port range ${range.first}-${range.last}; please recreate service`;
        return [{ service, reason: 'PortOutOfRange', message: text }];
      }
      if (!seen.has(port)) {
        seen.add(port);
        return [];
      }
      const message = `Port ${port} was assigned to multiple services; please recreate service`;
      return [{ service, reason: 'PortAlreadyAllocated', message }];
    }),
  );
}
