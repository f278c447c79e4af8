import type { Answer } from 'dns-packet';
import { addressFamily, type Random } from '#base';
import { chaseAlias } from './alias.ts';
import type { ClusterView } from './cluster-index.ts';
import type { DnsTarget, Found } from './cluster-names.ts';
import { findName } from './cluster-names.ts';
import type { Link, Resolve } from './link.ts';
import type { Query, RecordReply, Reply } from './message.ts';
import { servfail, types } from './message.ts';
import { shuffle } from './shuffle.ts';
import { clusterTtl, found, noData, nxDomain, soaOf, type Zone } from './soa.ts';

/** The version of the specification does not change while we run; CoreDNS gives it eight hours too. */
const versionTtl = 28800;

export interface ClusterZoneOptions {
  /** Lower case, without the last dot: `cluster.local`. */
  zone: string;
  view: ClusterView;
  serverAddresses: readonly string[];
  random: Random;
  /** Before this the zone answers SERVFAIL: "no such name" would be kept by the asker. */
  isSynced(): boolean;
}

/** Answers every name under the cluster's zone, as the Kubernetes DNS specification 1.1.0 says. */
export function createClusterZone(options: ClusterZoneOptions): Link {
  const zoneLabels = options.zone.split('.');
  return {
    name: 'cluster',
    answer(query, next) {
      const inside = labelsUnder(query.labels, zoneLabels);
      if (!inside) return next(query);
      return options.isSynced() ? answerInZone(query, inside, options, next) : servfail(options.zone);
    },
  };
}

/** Labels before the zone's; undefined for a name that is not in it. */
export function labelsUnder(labels: readonly string[], zone: readonly string[]): readonly string[] | undefined {
  const start = labels.length - zone.length;
  return start >= 0 && zone.every((label, index) => labels[start + index] === label)
    ? labels.slice(0, start)
    : undefined;
}

function answerInZone(
  query: Query,
  inside: readonly string[],
  options: ClusterZoneOptions,
  next: Resolve,
): Reply | Promise<Reply> {
  const zone = zoneOf(options);
  const name = findName(inside, options);
  if (!name) return nxDomain(zone);
  if (name.kind === 'alias') return chaseAlias({ query, to: name.to, zone, self: createClusterZone(options), next });
  const { answers, additionals } = recordsOf(query, name, options);
  return answers.length ? found(zone, answers, additionals) : noData(zone);
}

function zoneOf({ zone, view }: Pick<ClusterZoneOptions, 'zone' | 'view'>): Zone {
  return { name: zone, nameServer: `ns.dns.${zone}`, mailbox: `hostmaster.${zone}`, serial: view.serial };
}

type Records = Required<Pick<RecordReply, 'answers' | 'additionals'>>;

function recordsOf(query: Query, name: Exclude<Found, { kind: 'alias' }>, options: ClusterZoneOptions): Records {
  const none: Records = { answers: [], additionals: [] };
  switch (name.kind) {
    case 'apex':
      return apexRecords(query, options);
    case 'text':
      return query.type === types.TXT
        ? { ...none, answers: [{ type: 'TXT', name: query.name, ttl: versionTtl, data: name.text }] }
        : none;
    case 'address':
      return { ...none, answers: addressRecords(query.name, query.type, name.addresses) };
    case 'targets':
      return query.type === types.SRV
        ? serviceRecords(query, name.targets, options)
        : targetRecords(query, name.targets, options);
    case 'empty':
      return none;
  }
}

function targetRecords(query: Query, targets: readonly DnsTarget[], { random }: ClusterZoneOptions): Records {
  const addresses = new Set(targets.map(({ address }) => address));
  return { answers: shuffle(addressRecords(query.name, query.type, [...addresses]), random), additionals: [] };
}

function apexRecords(query: Query, options: ClusterZoneOptions): Records {
  const zone = zoneOf(options);
  if (query.type === types.SOA) return { answers: [{ ...soaOf(zone), name: query.name } as Answer], additionals: [] };
  if (query.type !== types.NS) return { answers: [], additionals: [] };
  const { nameServer } = zone;
  return {
    answers: [{ type: 'NS', name: query.name, ttl: clusterTtl, data: nameServer }],
    additionals: [types.A, types.AAAA].flatMap(type => addressRecords(nameServer, type, options.serverAddresses)),
  };
}

/** Addresses of the family that `type` asks for; none for any other type. */
export function addressRecords(name: string, type: number, addresses: readonly string[]): Answer[] {
  if (type !== types.A && type !== types.AAAA) return [];
  const [family, text] = type === types.A ? ([4, 'A'] as const) : ([6, 'AAAA'] as const);
  return addresses
    .filter(address => addressFamily(address) === family)
    .map(data => ({ type: text, name, ttl: clusterTtl, data }));
}

/** One record for each target and port, all of one priority, their weights sharing a hundred as CoreDNS does it. */
function serviceRecords(query: Query, targets: readonly DnsTarget[], { zone, random }: ClusterZoneOptions): Records {
  const pairs = new Map<string, { target: string; port: number }>();
  for (const { name, ports } of targets) {
    for (const { port } of ports)
      if (port !== undefined) pairs.set(`${name}:${port}`, { target: `${name}.${zone}`, port });
  }
  const weight = Math.max(1, Math.floor(100 / pairs.size));
  const answers = [...pairs.values()].map(
    (pair): Answer => ({ type: 'SRV', name: query.name, ttl: clusterTtl, data: { priority: 0, weight, ...pair } }),
  );
  const additionals = targets.flatMap(({ name, address }) =>
    [types.A, types.AAAA].flatMap(type => addressRecords(`${name}.${zone}`, type, [address])),
  );
  return { answers: shuffle(answers, random), additionals: answers.length ? additionals : [] };
}
