import type { Clock, CounterMeter } from '#base';
import type { Link, Resolve } from './link.ts';
import type { Query, Reply } from './message.ts';
import { flags, headerBytes, rcodes, types } from './message.ts';
import { listRecords, questionEnd, questionKey, skipName } from './wire.ts';

/** Some 10 MB at worst for usual answers. */
const maxEntries = 10_000;
/** A larger answer is rare and not worth the memory. */
const maxAnswerBytes = 4096;
const [minTtl, maxTtl] = [1, 30];

export interface CacheOptions {
  clock: Clock;
  /** By `result`: hit or miss. */
  lookups: CounterMeter;
  maxEntries?: number | undefined;
}

interface Entry {
  wire: Buffer;
  storedMs: number;
  untilMs: number;
}

/**
 * Keeps what other servers answered, "no" included, for as long as the records allow but at most 30 seconds; the oldest use goes first. Equal questions
 * that wait at the same time are asked once, which also ends a circle of servers that ask one another.
 */
export function createCache(options: CacheOptions): Link {
  const { clock, lookups } = options;
  const entries = new Map<string, Entry>();
  const waiting = new Map<string, Promise<Reply>>();
  const limit = options.maxEntries ?? maxEntries;
  const look = (key: string): Reply | undefined => {
    const entry = entries.get(key);
    const nowMs = clock.monotonicMs();
    if (!entry) return undefined;
    entries.delete(key);
    if (entry.untilMs <= nowMs) return undefined;
    entries.set(key, entry);
    return { zone: '.', wire: aged(entry, nowMs) };
  };
  const store = (key: string, reply: Reply) => {
    const ttl = 'wire' in reply ? ttlOf(reply.wire) : undefined;
    if (!('wire' in reply) || ttl === undefined) return reply;
    const wire = withTtls(reply.wire, was => Math.min(Math.max(was, minTtl), maxTtl));
    const nowMs = clock.monotonicMs();
    entries.set(key, { wire, storedMs: nowMs, untilMs: nowMs + ttl * 1000 });
    if (entries.size > limit) entries.delete(entries.keys().next().value!);
    return { ...reply, wire };
  };
  const ask = async (key: string, query: Query, next: Resolve) => store(key, await next(query));
  return {
    name: 'cache',
    async answer(query, next) {
      const key = `${questionKey(query.question)}/${query.flags & flags.CD}/${query.edns?.isDnssecOk ?? false}`;
      const known = look(key);
      lookups.add({ result: known ? 'hit' : 'miss' });
      if (known) return known;
      const already = waiting.get(key);
      if (already) return already;
      const asked = ask(key, query, next).finally(() => waiting.delete(key));
      waiting.set(key, asked);
      return asked;
    },
  };
}

/** Seconds that an answer may be kept; undefined when it may not. */
function ttlOf(wire: Buffer): number | undefined {
  const word = wire.readUInt16BE(2);
  const rcode = word & 0xf;
  const isFit = rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN;
  if (!isFit || word & flags.TC || wire.length > maxAnswerBytes) return undefined;
  const places = listRecords(wire, questionEnd(wire)!);
  const answers = places.filter(({ section }) => section === 'answer');
  const ttls = answers.map(({ ttlAt }) => wire.readUInt32BE(ttlAt));
  const asked = wire.readUInt16BE(skipName(wire, headerBytes));
  if (rcode === rcodes.NXDOMAIN || !answers.some(({ type }) => type === asked || asked === types.CNAME)) {
    const soa = places.find(({ section, type }) => section === 'authority' && type === types.SOA);
    // Without SOA nobody says how long "no" holds (RFC 2308, section 5).
    if (!soa || soa.end - soa.dataAt < 4) return undefined;
    ttls.push(wire.readUInt32BE(soa.ttlAt), wire.readUInt32BE(soa.end - 4));
  }
  return Math.min(Math.max(Math.min(...ttls), minTtl), maxTtl);
}

function aged({ wire, storedMs }: Entry, nowMs: number): Buffer {
  const ageSeconds = Math.floor((nowMs - storedMs) / 1000);
  return withTtls(wire, ttl => Math.max(0, ttl - ageSeconds));
}

function withTtls(wire: Buffer, change: (ttl: number) => number): Buffer {
  const copy = Buffer.from(wire);
  for (const { ttlAt } of listRecords(wire, questionEnd(wire)!)) {
    copy.writeUInt32BE(change(wire.readUInt32BE(ttlAt)), ttlAt);
  }
  return copy;
}
