import { headerBytes } from './message.ts';

/** The bytes are no DNS message. */
export class WireError extends Error {
  override name = 'WireError';
}

/** Where one record of a message stands; offsets count from the start of the message. */
export interface RecordPlace {
  section: 'answer' | 'authority' | 'additional';
  start: number;
  type: number;
  /** Offset of the class; the TTL is two bytes further. */
  classAt: number;
  ttlAt: number;
  dataAt: number;
  end: number;
}

const sections = ['answer', 'authority', 'additional'] as const;

/** Offset behind the name at `offset`. Pointers are not followed. Throws WireError. */
export function skipName(message: Buffer, offset: number): number {
  for (let at = offset; ; ) {
    const length = message[at];
    if (length === undefined) throw new WireError('a name goes beyond the end');
    if (length === 0) return at + 1;
    if ((length & 0xc0) === 0xc0) {
      if (at + 2 > message.length) throw new WireError('a pointer goes beyond the end');
      return at + 2;
    }
    if (length & 0xc0) throw new WireError('a label of unknown kind');
    at += length + 1;
  }
}

/** All records behind the question section that ends at `offset`. Throws WireError where counts and bytes disagree. */
export function listRecords(message: Buffer, offset: number): RecordPlace[] {
  const places: RecordPlace[] = [];
  let at = offset;
  sections.forEach((section, index) => {
    for (let left = message.readUInt16BE(6 + index * 2); left > 0; left--) {
      const place = readPlace(message, at, section);
      places.push(place);
      at = place.end;
    }
  });
  return places;
}

function readPlace(message: Buffer, start: number, section: RecordPlace['section']): RecordPlace {
  const at = skipName(message, start);
  const dataAt = at + 10;
  if (dataAt > message.length) throw new WireError('a record goes beyond the end');
  const end = dataAt + message.readUInt16BE(at + 8);
  if (end > message.length) throw new WireError('the data of a record goes beyond the end');
  return { section, start, type: message.readUInt16BE(at), classAt: at + 2, ttlAt: at + 4, dataAt, end };
}

/** Names compare without regard to ASCII case; other bytes are what they are. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, upper => upper.toLowerCase());
}

/** A question as text that equals another exactly when it asks the same. Label lengths never look like letters: they end at 63. */
export function questionKey(question: Buffer): string {
  return lowerAscii(question.toString('latin1'));
}

/** Offset behind the one question of a message; undefined when it has another number of questions. Throws WireError. */
export function questionEnd(message: Buffer): number | undefined {
  if (message.length < headerBytes || message.readUInt16BE(4) !== 1) return undefined;
  const end = skipName(message, headerBytes) + 4;
  if (end > message.length) throw new WireError('the question goes beyond the end');
  return end;
}
