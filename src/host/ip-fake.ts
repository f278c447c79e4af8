import type { ForwardingEntry, Ip, Link, LinkAddress, Neighbour, Route } from './ip.ts';

export interface FakeIp extends Ip {
  /** What the questions answer; tests fill it. */
  readonly state: {
    links: Link[];
    addresses: LinkAddress[];
    routes: Route[];
    neighbours: Neighbour[];
    forwarding: ForwardingEntry[];
  };
  /** Every batch line that was run, those of bridge with `bridge ` before them. */
  readonly lines: string[];
}

/** Answers from `state` and records changes; does not carry them out. */
export function createFakeIp(state: Partial<FakeIp['state']> = {}): FakeIp {
  const known: FakeIp['state'] = { links: [], addresses: [], routes: [], neighbours: [], forwarding: [], ...state };
  const lines: string[] = [];
  return {
    state: known,
    lines,
    links: async () => known.links,
    addresses: async () => known.addresses,
    routes: async ({ device } = {}) => known.routes.filter(route => !device || route.device === device),
    neighbours: async device => known.neighbours.filter(one => one.device === device),
    forwarding: async () => known.forwarding,
    batch: async batch => void lines.push(...batch),
    bridgeBatch: async batch => void lines.push(...batch.map(line => `bridge ${line}`)),
  };
}
