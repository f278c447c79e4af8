import type { ComponentDeps } from '#client';
import { createCache } from './cache.ts';
import type { ClusterView } from './cluster-index.ts';
import { createClusterZone } from './cluster-zone.ts';
import { createForward } from './forward.ts';
import { createHosts } from './hosts.ts';
import type { Link } from './link.ts';
import type { DnsMeters } from './meters.ts';
import { createRefuse } from './refuse.ts';
import type { Upstream } from './resolv-conf.ts';
import { createReverseZones } from './reverse-zones.ts';

export interface ChainParts extends Pick<ComponentDeps, 'clock' | 'random' | 'log'> {
  zone: string;
  view: ClusterView;
  isSynced(): boolean;
  serverAddresses: readonly string[];
  /** Of services and pods. */
  cidrs: readonly string[];
  /** Absent: no hosts file is read. */
  hostsFile?: string | undefined;
  upstreams(): Promise<readonly Upstream[]>;
  meters: DnsMeters;
  signal: AbortSignal;
}

/** What a query passes, in order; the first that knows the name answers. */
export function createChain(parts: ChainParts): Link[] {
  const { zone, clock, meters, hostsFile } = parts;
  return [
    // First, so that nothing behind it need know of other classes and transfers.
    createRefuse(),
    // Before any cache: an endpoint that has gone must not be named once more.
    createClusterZone({ ...parts, zone }),
    createReverseZones(parts),
    ...(hostsFile === undefined ? [] : [createHosts({ path: hostsFile, clock })]),
    createCache({ clock, lookups: meters.cacheLookups }),
    createForward({ ...parts, seconds: meters.forwardSeconds }),
  ];
}
