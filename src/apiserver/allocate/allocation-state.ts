import type { Service } from '#api';
import type { Random } from '#base';
import type { AdmissionRequest } from '../admission.ts';
import type { Owners } from './owners.ts';
import type { Holding } from './service-holding.ts';
import type { ServiceRanges } from './service-ranges.ts';

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What is held, and what there is to be had. */
export interface AllocationState {
  readonly ranges: ServiceRanges;
  readonly addresses: Owners<string>;
  /** Addresses that an IPAddress keeps for something that is no Service. */
  readonly foreign: ReadonlySet<string>;
  readonly ports: Owners<number>;
  readonly nodePorts: PortRange;
  readonly random: Random;
}

/** One write of a Service, and what it newly takes: lists that grow. */
export interface Task {
  readonly service: Service;
  readonly old: Service | undefined;
  readonly request: AdmissionRequest;
  readonly taken: { readonly addresses: string[]; readonly ports: number[] };
}

export function giveBack(state: AllocationState, holding: Holding, owner: object | string): void {
  for (const address of holding.addresses) state.addresses.give(address, owner);
  for (const port of holding.ports) state.ports.give(port, owner);
}
