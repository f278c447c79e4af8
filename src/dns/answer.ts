import type { Log } from '#base';
import { encodeRefusal, encodeReply, limitOf } from './encode-reply.ts';
import type { Resolve } from './link.ts';
import type { Query, Reply } from './message.ts';
import { rcodeName, rcodeOf, rcodes, servfail } from './message.ts';
import type { DnsMeters } from './meters.ts';
import { parseQuery } from './parse-query.ts';

export type Protocol = 'udp' | 'tcp';
/** The answer to a message, or undefined when it gets none. Never rejects. */
export type Answerer = (message: Buffer, protocol: Protocol) => Promise<Buffer | undefined>;

/** Bytes in, bytes out: whatever comes, it is answered well-formed or dropped. */
export function createAnswerer(options: { resolve: Resolve; meters: DnsMeters; log: Log }): Answerer {
  const { resolve, meters, log } = options;
  const answer = async (query: Query, protocol: Protocol): Promise<Buffer> => {
    let reply: Reply;
    let bytes: Buffer;
    try {
      reply = await resolve(query);
      bytes = encodeReply(query, reply, limitOf(query, protocol));
    } catch (error) {
      log.warn('cannot answer', { name: query.name, type: query.type, error });
      reply = servfail('.');
      bytes = encodeReply(query, reply, limitOf(query, protocol));
    }
    meters.requests.add({ zone: reply.zone, rcode: rcodeName(rcodeOf(reply)), protocol });
    return bytes;
  };
  return async (message, protocol) => {
    const parsed = parseQuery(message);
    if (parsed === 'drop') {
      meters.dropped.add({ reason: 'no query' });
      return undefined;
    }
    if ('query' in parsed) return answer(parsed.query, protocol);
    meters.requests.add({ zone: '.', rcode: parsed.refuse, protocol });
    return encodeRefusal(message, rcodes[parsed.refuse]);
  };
}
