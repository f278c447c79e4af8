import type { Edns, Query } from './message.ts';
import { classIn, flags, headerBytes, types } from './message.ts';
import { listRecords, lowerAscii, questionEnd, WireError } from './wire.ts';

/** Query: to be answered. `formerr` and `notimp`: to be refused so. `drop`: no query at all, and an answer could only do harm. */
export type Parsed = { query: Query } | { refuse: 'FORMERR' | 'NOTIMP' } | 'drop';

const maxNameBytes = 255;

/** Reads a message that came in. Never throws. */
export function parseQuery(message: Buffer): Parsed {
  if (message.length < headerBytes) return 'drop';
  const word = message.readUInt16BE(2);
  // Answering answers would let two servers talk to each other for ever.
  if (word & flags.QR) return 'drop';
  if ((word >> 11) & 0xf) return { refuse: 'NOTIMP' };
  try {
    return { query: readQuery(message, word) };
  } catch (error) {
    if (error instanceof WireError) return { refuse: 'FORMERR' };
    throw error;
  }
}

function readQuery(message: Buffer, word: number): Query {
  const end = questionEnd(message);
  if (end === undefined) throw new WireError('not one question');
  const question = Buffer.from(message.subarray(headerBytes, end));
  return {
    id: message.readUInt16BE(0),
    flags: word,
    ...readQuestion(question),
    edns: readEdns(message, end),
  };
}

/** Takes a question section apart. Throws WireError when the name is too long or compressed (there is nothing before it to point to). */
export function readQuestion(question: Buffer): Pick<Query, 'labels' | 'name' | 'type' | 'class' | 'question'> {
  const spelled: string[] = [];
  let at = 0;
  for (let length = question[at]!; length; length = question[at]!) {
    if (length > 63) throw new WireError('a compressed question');
    spelled.push(question.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  if (at + 1 > maxNameBytes) throw new WireError('the name is too long');
  const labels = spelled.map(lowerAscii);
  const [type, klass] = [question.readUInt16BE(at + 1), question.readUInt16BE(at + 3)];
  return { labels, name: spelled.join('.'), type, class: klass, question };
}

function readEdns(message: Buffer, end: number): Edns | undefined {
  const places = listRecords(message, end).filter(({ type }) => type === types.OPT);
  const [place] = places;
  if (!place) return undefined;
  if (places.length > 1 || message[place.start] !== 0) throw new WireError('OPT stands once, under the root');
  return {
    sizeBytes: message.readUInt16BE(place.classAt),
    version: message[place.ttlAt + 1]!,
    isDnssecOk: (message[place.ttlAt + 2]! & 0x80) !== 0,
  };
}

/** The same asker's question about another name: what a CNAME leads to. Undefined when the text is no name. */
export function askInstead(query: Query, name: string): Query | undefined {
  const spelled = name.replace(/\.$/, '').split('.');
  if (spelled.some(label => !/^[\x21-\x7e]{1,63}$/.test(label))) return undefined;
  const parts = spelled.map(label => Buffer.from(String.fromCharCode(label.length) + label, 'latin1'));
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(query.type, 1);
  tail.writeUInt16BE(classIn, 3);
  const question = Buffer.concat([...parts, tail]);
  if (question.length - 4 > maxNameBytes) return undefined;
  return { ...query, ...readQuestion(question) };
}
