import type { Answer } from 'dns-packet';
import type { RecordReply } from './message.ts';
import { rcodes } from './message.ts';

/** Seconds that an answer about the cluster may be kept: CoreDNS' default. Endpoints change, so it is short. */
export const clusterTtl = 5;

/** A zone that we answer for. */
export interface Zone {
  /** Lower case, without the last dot. */
  name: string;
  /** Name of the server, and its mailbox: both in the cluster's own zone. */
  nameServer: string;
  mailbox: string;
  serial: number;
}

/** The record that every zone has, and every answer without one carries: it tells how long "no" may be kept (RFC 2308). */
export function soaOf({ name, nameServer, mailbox, serial }: Zone): Answer {
  const timers = { refresh: 7200, retry: 1800, expire: 86400, minimum: clusterTtl };
  return { type: 'SOA', name, ttl: clusterTtl, data: { mname: nameServer, rname: mailbox, serial, ...timers } };
}

/** The name exists, but not with this type. */
export function noData(zone: Zone): RecordReply {
  return { ...nxDomain(zone), rcode: rcodes.NOERROR };
}

/** The name does not exist. */
export function nxDomain(zone: Zone): RecordReply {
  return { zone: zone.name, rcode: rcodes.NXDOMAIN, isAuthoritative: true, authorities: [soaOf(zone)] };
}

export function found(zone: Zone, answers: readonly Answer[], additionals: readonly Answer[] = []): RecordReply {
  return { zone: zone.name, rcode: rcodes.NOERROR, isAuthoritative: true, answers, additionals };
}
