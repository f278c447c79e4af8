import { addressFamily, type Clock } from '#base';
import { addressRecords } from './cluster-zone.ts';
import type { Link } from './link.ts';
import { rcodes, types } from './message.ts';
import { addressOfLabels } from './reverse-zones.ts';
import { clusterTtl } from './soa.ts';
import { createWatchedFile } from './watched-file.ts';

export interface Hosts {
  addresses: ReadonlyMap<string, readonly string[]>;
  names: ReadonlyMap<string, readonly string[]>;
}

/** Reads the format of hosts(5): an address, then its names. Lines that are not so are passed over. */
export function parseHosts(text: string): Hosts {
  const addresses = new Map<string, string[]>();
  const names = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, value: string) => {
    const values = map.get(key) ?? [];
    if (!values.includes(value)) map.set(key, [...values, value]);
  };
  for (const line of text.split('\n')) {
    const [address, ...words] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!address || !addressFamily(address)) continue;
    for (const word of words) {
      const name = word.toLowerCase().replace(/\.$/, '');
      add(addresses, name, address);
      add(names, address, name);
    }
  }
  return { addresses, names };
}

/** Answers names and addresses of a hosts file; the rest goes on. */
export function createHosts({ path, clock }: { path: string; clock: Clock }): Link {
  const current = createWatchedFile({ path, clock, parse: parseHosts, missing: parseHosts('') });
  return {
    name: 'hosts',
    async answer(query, next) {
      const { addresses, names } = await current();
      const own = addresses.get(query.labels.join('.'));
      const back = query.type === types.PTR ? names.get(addressOfLabels(query.labels) ?? '') : undefined;
      if (!own && !back) return next(query);
      const answers = own
        ? addressRecords(query.name, query.type, own)
        : back!.map(data => ({ type: 'PTR' as const, name: query.name, ttl: clusterTtl, data }));
      return { zone: 'hosts', rcode: rcodes.NOERROR, isAuthoritative: true, answers };
    },
  };
}
