import type { Answer } from 'dns-packet';
import { decode } from 'dns-packet';
import type { Link, Resolve } from './link.ts';
import type { Query, RecordReply, Reply } from './message.ts';
import { rcodeOf, servfail, types } from './message.ts';
import { askInstead } from './parse-query.ts';
import { clusterTtl, found, type Zone } from './soa.ts';

/** As many aliases as CoreDNS follows inside the zone; more is a circle or a mistake. */
const maxAliases = 8;

export interface Chase {
  query: Query;
  /** Where the alias leads. */
  to: string;
  zone: Zone;
  /** Answers names of the zone, aliases included. */
  self: Link;
  /** Answers everything else. */
  next: Resolve;
}

/**
 * CNAME, and behind it what its target answers, in the zone or outside. The rcode is the target's (RFC 6604). A circle ends with the aliases
 * seen so far.
 */
export async function chaseAlias(chase: Chase): Promise<Reply> {
  const { query, to, zone, self, next } = chase;
  const alias: Answer = { type: 'CNAME', name: query.name, ttl: clusterTtl, data: to };
  if (query.type === types.CNAME) return found(zone, [alias]);
  const onward = query.aliases ?? 0;
  const target = askInstead(query, to);
  if (!target || onward >= maxAliases) return found(zone, [alias]);
  const reply = toRecords(await self.answer({ ...target, aliases: onward + 1 }, next));
  return {
    ...{ zone: zone.name, isAuthoritative: true, rcode: reply.rcode },
    answers: [alias, ...(reply.answers ?? [])],
    authorities: reply.authorities ?? [],
  };
}

/** A reply as records; one that cannot be read is a failure. */
function toRecords(reply: Reply): RecordReply {
  if (!('wire' in reply)) return reply;
  try {
    const { answers = [], authorities = [] } = decode(reply.wire);
    if (![...answers, ...authorities].every(isWritable)) return servfail(reply.zone);
    return { zone: reply.zone, rcode: rcodeOf(reply), answers, authorities };
  } catch {
    // The library throws plain errors for bad bytes; they came from upstream, so the asker may try again.
    return servfail(reply.zone);
  }
}

/** Bytes that are no UTF-8 grow when they are decoded; a label may then be too long to be written again. */
function isWritable(record: Answer): boolean {
  const found = 'data' in record ? record.data : undefined;
  const texts = [record.name, ...(typeof found === 'object' ? Object.values(found) : [found])];
  return texts.every(
    text => typeof text !== 'string' || text.split('.').every(label => Buffer.byteLength(label) <= 63),
  );
}
