import type { Answer } from 'dns-packet';
import { encode } from 'dns-packet';
import type { Query, RecordReply, Reply, WireReply } from './message.ts';
import { flags, headerBytes } from './message.ts';
import { listRecords, lowerAscii, skipName } from './wire.ts';

/** Without EDNS a UDP answer has at most this many bytes (RFC 1035). */
const plainUdpBytes = 512;
/** What we take and send at most by UDP. The way to a pod of the node is local, so fragments are no danger. */
export const ednsUdpBytes = 4096;
const tcpBytes = 65535;
/** Compression pointers have 14 bits. */
const maxPointer = 0x3fff;

/** Largest answer that this asker takes. */
export function limitOf(query: Query, protocol: 'udp' | 'tcp'): number {
  if (protocol === 'tcp') return tcpBytes;
  return query.edns ? Math.min(Math.max(query.edns.sizeBytes, plainUdpBytes), ednsUdpBytes) : plainUdpBytes;
}

/**
 * The message for a reply, never longer than `limitBytes`: records that do not fit are left out, with TC set unless they are only additional
 * (RFC 2181, section 9).
 */
export function encodeReply(query: Query, reply: Reply, limitBytes: number): Buffer {
  const opt = encodeOpt(query, 'wire' in reply ? 0 : reply.rcode);
  const room = limitBytes - opt.length;
  const body = 'wire' in reply ? fitWire(query, reply, room) : fitRecords(query, reply, room);
  if (!opt.length) return body;
  body.writeUInt16BE(body.readUInt16BE(10) + 1, 10);
  return Buffer.concat([body, opt]);
}

/** Header only: for what could not be read. */
export function encodeRefusal(message: Buffer, rcode: number): Buffer {
  const reply = Buffer.alloc(headerBytes);
  reply.writeUInt16BE(message.readUInt16BE(0), 0);
  const kept = message.readUInt16BE(2) & (flags.RD | 0x7800);
  reply.writeUInt16BE(flags.QR | kept | (rcode & 0xf), 2);
  return reply;
}

function encodeOpt({ edns }: Query, rcode: number): Buffer {
  if (!edns) return Buffer.alloc(0);
  const opt: Answer = {
    ...{ name: '.', udpPayloadSize: ednsUdpBytes, extendedRcode: rcode >> 4, ednsVersion: 0 },
    ...{ flags: edns.isDnssecOk ? 0x8000 : 0, flag_do: edns.isDnssecOk, options: [] },
    type: 'OPT',
  };
  return encode({ additionals: [opt] }).subarray(headerBytes);
}

function fitRecords(query: Query, reply: RecordReply, room: number): Buffer {
  const names = createNames(query);
  const parts: Buffer[] = [Buffer.alloc(headerBytes), query.question];
  let size = headerBytes + query.question.length;
  let isCut = false;
  const counts = [reply.answers, reply.authorities, reply.additionals].map((records = [], section) => {
    let count = 0;
    for (const record of isCut ? [] : records) {
      const bytes = encodeRecord(record, size, names);
      if (size + bytes.length > room) {
        isCut = section < 2;
        break;
      }
      parts.push(bytes);
      size += bytes.length;
      count++;
    }
    return count;
  });
  const message = Buffer.concat(parts);
  const word = flags.QR | flags.RA | (query.flags & (flags.RD | flags.CD)) | (reply.rcode & 0xf);
  writeHeader(message, {
    id: query.id,
    word: word | (reply.isAuthoritative ? flags.AA : 0) | (isCut ? flags.TC : 0),
    counts,
  });
  return message;
}

function writeHeader(message: Buffer, header: { id: number; word: number; counts: readonly number[] }): void {
  message.writeUInt16BE(header.id, 0);
  message.writeUInt16BE(header.word, 2);
  message.writeUInt16BE(1, 4);
  for (const [index, count] of header.counts.entries()) message.writeUInt16BE(count, 6 + index * 2);
}

/** Offsets of the names written so far, by name in lower case. */
function createNames({ labels, name }: Query): Map<string, number> {
  const names = new Map<string, number>();
  // A label with a dot inside has no text that would be only its own.
  if (name.split('.').length !== labels.length) return names;
  let at = headerBytes;
  labels.forEach((label, index) => {
    names.set(labels.slice(index).join('.'), at);
    at += label.length + 1;
  });
  return names;
}

/** dns-packet writes the record; its owner's name is then replaced by what is new of it and a pointer to the rest. */
function encodeRecord(record: Answer, offset: number, names: Map<string, number>): Buffer {
  // Where the name is to become a pointer it may hold any bytes, so it is not given to the encoder.
  const known = names.get(lowerAscii(record.name));
  const plain = encode({ answers: [known === undefined ? record : { ...record, name: '.' }] }).subarray(headerBytes);
  const rest = plain.subarray(skipName(plain, 0));
  return Buffer.concat([known === undefined ? compress(record.name, offset, names) : pointer(known), rest]);
}

function compress(name: string, offset: number, names: Map<string, number>): Buffer {
  const labels = name.split('.');
  const parts: Buffer[] = [];
  let at = offset;
  for (let index = 0; index < labels.length; index++) {
    const suffix = lowerAscii(labels.slice(index).join('.'));
    const known = names.get(suffix);
    if (known !== undefined) return Buffer.concat([...parts, pointer(known)]);
    if (at <= maxPointer) names.set(suffix, at);
    const label = Buffer.from(labels[index]!);
    parts.push(Buffer.from([label.length]), label);
    at += label.length + 1;
  }
  return Buffer.concat([...parts, Buffer.alloc(1)]);
}

function pointer(offset: number): Buffer {
  return Buffer.from([0xc0 | (offset >> 8), offset & 0xff]);
}

function fitWire(query: Query, { wire }: WireReply, room: number): Buffer {
  const end = headerBytes + query.question.length;
  const places = listRecords(wire, end);
  const kept = places.filter(place => place.end <= room);
  const counts = (['answer', 'authority', 'additional'] as const).map(
    name => kept.filter(({ section }) => section === name).length,
  );
  const isCut = places.some(place => place.section !== 'additional' && place.end > room);
  const message = Buffer.from(wire.subarray(0, kept.at(-1)?.end ?? end));
  // Same length, same labels: pointers into the question stay right, and the asker sees its own spelling.
  query.question.copy(message, headerBytes);
  const theirs = wire.readUInt16BE(2) & (flags.AA | flags.AD | 0xf);
  const ours = flags.QR | flags.RA | (query.flags & (flags.RD | flags.CD)) | (isCut ? flags.TC : 0);
  writeHeader(message, { id: query.id, word: theirs | ours, counts });
  return message;
}
