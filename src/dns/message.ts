import type { Answer } from 'dns-packet';

/** Numbers of RFC 1035 and its followers; types that are not here are carried as numbers only. */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
} as const;

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Extended: its upper bits travel in the OPT record. */
  BADVERS: 16,
} as const;

/** Bits of the second header word. */
export const flags = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, AD: 0x0020, CD: 0x0010 } as const;

export const headerBytes = 12;

/** Class IN; the server knows no other. */
export const classIn = 1;

/** One question that the chain answers. */
export interface Query {
  id: number;
  /** Second header word, as it was sent. */
  flags: number;
  /** Labels in lower case, first to last; bytes as latin1. */
  labels: readonly string[];
  /** Name as it was spelled, without the last dot: answers repeat it so (0x20). */
  name: string;
  type: number;
  class: number;
  /** The question section as it was sent. */
  question: Buffer;
  /** Absent: the asker does not speak EDNS. */
  edns?: Edns | undefined;
  /** How many aliases led here; absent: none. */
  aliases?: number | undefined;
}

export interface Edns {
  /** Largest UDP answer that the asker takes. */
  sizeBytes: number;
  version: number;
  isDnssecOk: boolean;
}

/** An answer made here. */
export interface RecordReply {
  /** Who answered, as meters name it: a zone, or `.` for everything else. */
  zone: string;
  rcode: number;
  isAuthoritative?: boolean;
  answers?: readonly Answer[];
  authorities?: readonly Answer[];
  additionals?: readonly Answer[];
}

/** An answer as another server gave it: a whole message without OPT. Identifier and question are overwritten when it is sent. */
export interface WireReply {
  zone: string;
  wire: Buffer;
}

export type Reply = RecordReply | WireReply;

export function rcodeOf(reply: Reply): number {
  return 'wire' in reply ? reply.wire.readUInt16BE(2) & 0xf : reply.rcode;
}

/** `NXDOMAIN` for 3; the number where it has no name here. */
export function rcodeName(rcode: number): string {
  return Object.entries(rcodes).find(([, value]) => value === rcode)?.[0] ?? String(rcode);
}

/** The failure that a resolver may repeat elsewhere: we cannot tell now. */
export function servfail(zone: string): RecordReply {
  return { zone, rcode: rcodes.SERVFAIL };
}
