import type { Clock, HistogramMeter, Log, Random } from '#base';
import { exchangeTcp, exchangeUdp } from './exchange.ts';
import type { Link } from './link.ts';
import type { Query, Reply } from './message.ts';
import { flags, headerBytes, rcodes, servfail, types } from './message.ts';
import type { Upstream } from './resolv-conf.ts';
import { listRecords, questionEnd, questionKey, WireError } from './wire.ts';

/** Time that a server has for one try. Three tries are over when a resolver's five seconds are nearly so. */
const tryMs = 2000;
const maxTries = 3;
/** A server that did not answer is asked last for this long. */
const shunMs = 10_000;
/** Each forwarded query holds a socket; beyond this the asker is told to come again. */
const maxInFlight = 512;
/** What we take by UDP: never fragmented on today's networks (DNS flag day 2020). */
const upstreamUdpBytes = 1232;

export interface ForwardOptions {
  upstreams(): Promise<readonly Upstream[]>;
  clock: Clock;
  random: Random;
  log: Log;
  /** Seconds by server (`to`) and outcome. */
  seconds: HistogramMeter;
  /** Ends every wait. */
  signal: AbortSignal;
  /** Queries in flight at once; default 512. */
  limit?: number | undefined;
}

/** Last link: asks the servers of the node, one after another. SERVFAIL when there is none, when none answers, or when too many wait already. */
export function createForward(options: ForwardOptions): Link {
  const shunned = new Map<string, number>();
  let inFlight = 0;
  return {
    name: 'forward',
    async answer(query) {
      if (inFlight >= (options.limit ?? maxInFlight)) return servfail('.');
      inFlight++;
      try {
        return await forward(query, options, shunned);
      } finally {
        inFlight--;
      }
    },
  };
}

async function forward(query: Query, options: ForwardOptions, shunned: Map<string, number>): Promise<Reply> {
  const { clock, log, signal } = options;
  const upstreams = inOrder(await options.upstreams(), shunned, clock.monotonicMs());
  let last: Reply = servfail('.');
  const tries = upstreams.length ? Math.min(maxTries, Math.max(2, upstreams.length)) : 0;
  for (let attempt = 0; attempt < tries && !signal.aborted; attempt++) {
    const upstream = upstreams[attempt % upstreams.length]!;
    try {
      const wire = await ask(query, upstream, options);
      shunned.delete(keyOf(upstream));
      last = { zone: '.', wire };
      if (isFinal(wire)) return last;
    } catch (error) {
      if (signal.aborted) break;
      shunned.set(keyOf(upstream), clock.monotonicMs() + shunMs);
      log.debug('name server failed', { server: keyOf(upstream), error });
    }
  }
  return last;
}

/** Servers that failed lately go last. */
function inOrder(upstreams: readonly Upstream[], shunned: Map<string, number>, nowMs: number): Upstream[] {
  for (const [key, untilMs] of shunned) if (untilMs <= nowMs) shunned.delete(key);
  return upstreams.toSorted((a, b) => Number(shunned.has(keyOf(a))) - Number(shunned.has(keyOf(b))));
}

/** An answer that another server would not better. */
function isFinal(wire: Buffer): boolean {
  const rcode = wire.readUInt16BE(2) & 0xf;
  return rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN;
}

async function ask(query: Query, upstream: Upstream, options: ForwardOptions): Promise<Buffer> {
  const { clock, signal, seconds } = options;
  const startMs = clock.monotonicMs();
  const request = encodeRequest(query, options.random);
  const isAnswer = (message: Buffer) => isAnswerTo(message, request, query);
  const limit = new AbortController();
  using _timer = clock.timer(tryMs, () => limit.abort(new Error('no answer in time')));
  const exchange = { upstream, request, isAnswer, signal: AbortSignal.any([signal, limit.signal]) };
  let outcome = 'failed';
  try {
    const short = await exchangeUdp(exchange);
    const message = short.readUInt16BE(2) & flags.TC ? await exchangeTcp(exchange) : short;
    const wire = withoutOpt(message);
    outcome = 'answered';
    return wire;
  } finally {
    seconds.observe((clock.monotonicMs() - startMs) / 1000, { to: keyOf(upstream), outcome });
  }
}

/** The asker's question under an identifier of our own. EDNS is spoken only where the asker speaks it, so old servers see old questions. */
function encodeRequest(query: Query, random: Random): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.set(random.bytes(2), 0);
  header.writeUInt16BE(flags.RD | (query.flags & (flags.CD | flags.AD)), 2);
  header.writeUInt16BE(1, 4);
  if (!query.edns) return Buffer.concat([header, query.question]);
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(types.OPT, 1);
  opt.writeUInt16BE(upstreamUdpBytes, 3);
  opt.writeUInt16BE(query.edns.isDnssecOk ? 0x8000 : 0, 7);
  header.writeUInt16BE(1, 10);
  return Buffer.concat([header, query.question, opt]);
}

function isAnswerTo(message: Buffer, request: Buffer, query: Query): boolean {
  try {
    const end = questionEnd(message);
    return (
      end !== undefined &&
      message.readUInt16BE(0) === request.readUInt16BE(0) &&
      (message.readUInt16BE(2) & (flags.QR | 0x7800)) === flags.QR &&
      questionKey(message.subarray(headerBytes, end)) === questionKey(query.question)
    );
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

/** OPT belongs to one hop. What stands behind it is additional and left out with it. Throws WireError for broken records and extended errors. */
function withoutOpt(message: Buffer): Buffer {
  const places = listRecords(message, questionEnd(message)!);
  const opt = places.findIndex(({ type }) => type === types.OPT);
  const kept = opt < 0 ? places : places.slice(0, opt);
  if (opt >= 0 && (places[opt]!.section !== 'additional' || message[places[opt]!.ttlAt] !== 0)) {
    throw new WireError('an extended error');
  }
  const wire = Buffer.from(message.subarray(0, kept.at(-1)?.end ?? questionEnd(message)!));
  wire.writeUInt16BE(kept.filter(({ section }) => section === 'additional').length, 10);
  return wire;
}

function keyOf({ address, port }: Upstream): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
