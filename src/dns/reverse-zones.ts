import ipaddr from 'ipaddr.js';
import { type Cidr, cidrContains, parseCidr } from '#base';
import type { ClusterView } from './cluster-index.ts';
import { labelsUnder } from './cluster-zone.ts';
import type { Link } from './link.ts';
import type { Query, Reply } from './message.ts';
import { servfail, types } from './message.ts';
import { clusterTtl, found, noData, nxDomain, soaOf, type Zone } from './soa.ts';

export interface ReverseZonesOptions {
  zone: string;
  view: ClusterView;
  /** Ranges of services and pods: what is not known in them does not exist. Elsewhere another server may know more. */
  cidrs: readonly string[];
  isSynced(): boolean;
}

interface ReverseZone {
  cidr: Cidr;
  labels: readonly string[];
  /** False when the range begins inside a label: then the zone around it is not all ours. */
  isWhole: boolean;
}

/** PTR of cluster addresses and of ready endpoints. */
export function createReverseZones(options: ReverseZonesOptions): Link {
  const { zone, view } = options;
  const own = options.cidrs.flatMap(toReverseZone);
  const zoneAt = (labels: readonly string[]): Zone => {
    const nameServer = `ns.dns.${zone}`;
    return { name: labels.join('.'), nameServer, mailbox: `hostmaster.${zone}`, serial: view.serial };
  };
  return {
    name: 'reverse',
    answer(query, next): Reply | Promise<Reply> {
      if (query.labels.at(-1) !== 'arpa') return next(query);
      const address = addressOfLabels(query.labels);
      const mine = own.find(one => isIn(one, query.labels, address));
      const names = address === undefined ? [] : view.namesOf(address);
      if (!mine && !names.length) return next(query);
      if (!options.isSynced()) return servfail(zone);
      const at = zoneAt(mine?.labels ?? query.labels.slice(-2));
      return names.length ? answerNames(query, names, at, zone) : answerRest(query, address, at);
    },
  };
}

function answerNames(query: Query, names: readonly string[], at: Zone, zone: string): Reply {
  if (query.type !== types.PTR) return noData(at);
  const { name } = query;
  return found(
    at,
    names.map(one => ({ type: 'PTR', name, ttl: clusterTtl, data: `${one}.${zone}` })),
  );
}

/** A name in the zone that is no known address. */
function answerRest(query: Query, address: string | undefined, at: Zone): Reply {
  const isApex = query.labels.join('.') === at.name;
  if (isApex && query.type === types.SOA) return found(at, [soaOf(at)]);
  // Half an address has addresses below it.
  return address === undefined && isNumbers(query.labels) ? noData(at) : nxDomain(at);
}

function isNumbers(labels: readonly string[]): boolean {
  return labels.slice(0, -2).every(label => /^(?:\d{1,3}|[\da-f])$/.test(label));
}

function isIn({ cidr, labels, isWhole }: ReverseZone, asked: readonly string[], address: string | undefined): boolean {
  if (address !== undefined) return cidrContains(cidr, address);
  return isWhole && labelsUnder(asked, labels) !== undefined;
}

/** The address that a name under in-addr.arpa or ip6.arpa spells backwards; undefined when it is not a whole one. */
export function addressOfLabels(labels: readonly string[]): string | undefined {
  const digits = labels.slice(0, -2).toReversed();
  const kind = labels.slice(-2).join('.');
  if (kind === 'in-addr.arpa' && digits.length === 4) {
    const text = digits.join('.');
    return ipaddr.IPv4.isValidFourPartDecimal(text) ? text : undefined;
  }
  if (kind !== 'ip6.arpa' || digits.length !== 32 || !digits.every(digit => /^[\da-f]$/.test(digit))) return undefined;
  const groups = digits.join('').match(/.{4}/g)!.join(':');
  return ipaddr.IPv6.parse(groups).toRFC5952String();
}

function toReverseZone(text: string): ReverseZone[] {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`${JSON.stringify(text)} is no address range`);
  const [bits, suffix] = cidr.family === 4 ? [8, 'in-addr.arpa'] : [4, 'ip6.arpa'];
  const width = cidr.family === 4 ? 32 : 128;
  const count = Math.floor(cidr.prefix / bits);
  const digits = Array.from({ length: count }, (_, index) => {
    const digit = (cidr.base >> BigInt(width - bits * (index + 1))) & BigInt(2 ** bits - 1);
    return digit.toString(cidr.family === 4 ? 10 : 16);
  });
  const labels = [...digits.reverse(), ...suffix.split('.')];
  return [{ cidr, labels, isWhole: cidr.prefix % bits === 0 && count > 0 }];
}
