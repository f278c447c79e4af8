/** The maps and sets that packets are looked up in; each element is one line of `fragment.elements`. */
export const elementSets = {
  'service-ips': 'map',
  'service-nodeports': 'map',
  'no-endpoint-services': 'map',
  'no-endpoint-nodeports': 'map',
  'firewall-ips': 'map',
  'hostport-ips': 'map',
  hostports: 'map',
  'cluster-ips': 'set',
  'foreign-cluster-ips': 'set',
} as const;

export type ElementSet = keyof typeof elementSets;
export const elementSetNames = Object.keys(elementSets) as ElementSet[];

export interface Element {
  set: ElementSet;
  /** `10.43.0.1 . tcp . 443`. */
  key: string;
  /** What stands behind the key: ` : goto service-...`, also with a comment before it; empty in sets. */
  tail: string;
}

/** Where UDP packets come in and which addresses may answer them: flows that the kernel remembers to others are stale. */
export interface UdpFrontend {
  /** Undefined: any address of the node. */
  address: string | undefined;
  port: number;
  /** Addresses of serving endpoints. */
  answering: readonly string[];
}

/** The rules of one Service or pod. */
export interface Fragment {
  chains: (readonly [name: string, rules: readonly string[]])[];
  affinitySets: string[];
  elements: Element[];
  udp: UdpFrontend[];
}

/** All rules together, but for the fixed ones of `skeleton.ts`. */
export interface Ruleset {
  chains: ReadonlyMap<string, readonly string[]>;
  affinitySets: ReadonlySet<string>;
  /** Key to tail. */
  elements: ReadonlyMap<ElementSet, ReadonlyMap<string, string>>;
  /** By `address:port`. */
  udp: ReadonlyMap<string, UdpFrontend>;
}

export function emptyFragment(): Fragment {
  return { chains: [], affinitySets: [], elements: [], udp: [] };
}

/** Joins the rules of all owners. Where two want the same key (an external IP, a host port) the first has it. */
export function mergeRules(fragments: Iterable<Fragment>): Ruleset {
  const chains = new Map<string, readonly string[]>();
  const affinitySets = new Set<string>();
  const elements = new Map(elementSetNames.map(name => [name, new Map<string, string>()]));
  const udp = new Map<string, UdpFrontend>();
  for (const fragment of fragments) {
    for (const [name, rules] of fragment.chains) if (!chains.has(name)) chains.set(name, rules);
    for (const name of fragment.affinitySets) affinitySets.add(name);
    for (const { set, key, tail } of fragment.elements) {
      const entries = elements.get(set)!;
      if (!entries.has(key)) entries.set(key, tail);
    }
    for (const frontend of fragment.udp) {
      const key = `${frontend.address ?? '*'}:${frontend.port}`;
      if (!udp.has(key)) udp.set(key, frontend);
    }
  }
  return { chains, affinitySets, elements, udp };
}

/** Rules and elements, for the meter. */
export function countRules({ chains, elements }: Ruleset): number {
  let count = 0;
  for (const rules of chains.values()) count += rules.length;
  for (const entries of elements.values()) count += entries.size;
  return count;
}
