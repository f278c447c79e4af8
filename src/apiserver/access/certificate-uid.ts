/** The attribute of a certificate's subject that is the user's uid (KEP-5265): 1.3.6.1.4.1.57683.2, as DER writes it. */
const uidAttribute = Buffer.from('2b0601040183c25302', 'hex');

const tags = { sequence: 0x30, explicitVersion: 0xa0 } as const;

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Where the next element begins. */
  readonly end: number;
}

/**
 * The uid in a certificate's subject; undefined when it has none. Throws for bytes that are no certificate, for an empty uid and for more than one, with
 * upstream's words. Node shows only the attributes that OpenSSL has names for, hence this reading of the DER.
 */
export function certificateUid(raw: Buffer): string | undefined {
  // Nearly all certificates have none: no need to take those apart.
  if (!raw.includes(uidAttribute)) return undefined;
  const values: string[] = [];
  for (const set of childrenOf(subjectOf(raw))) {
    for (const attribute of childrenOf(set.content)) {
      const [type, value] = childrenOf(attribute.content);
      if (type?.content.equals(uidAttribute)) values.push(value?.content.toString('utf8') ?? '');
    }
  }
  if (values.length > 1) throw new Error(`unable to parse UID from certificate: multiple UIDs are present`);
  if (values[0] === '') throw new Error('unable to parse UID from certificate: the UID is empty');
  return values[0];
}

/** Certificate -> TBSCertificate -> version?, serial number, signature, issuer, validity, subject (RFC 5280, 4.1). */
function subjectOf(raw: Buffer): Buffer {
  const certificate = readElement(raw, 0);
  if (certificate.tag !== tags.sequence) throw new Error('not a certificate');
  const fields = childrenOf(readElement(certificate.content, 0).content);
  const subject = fields[fields[0]?.tag === tags.explicitVersion ? 5 : 4];
  if (subject?.tag !== tags.sequence) throw new Error('not a certificate');
  return subject.content;
}

function childrenOf(content: Buffer): Element[] {
  const children: Element[] = [];
  for (let at = 0; at < content.length; ) {
    const child = readElement(content, at);
    children.push(child);
    at = child.end;
  }
  return children;
}

/** Tag, length and content. Lengths have one byte, or a byte that says how many follow. */
function readElement(bytes: Buffer, at: number): Element {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw new Error('the DER is cut off');
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || at + 2 + lengthBytes > bytes.length) throw new Error('the DER is cut off');
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  const start = at + 2 + lengthBytes;
  const end = start + length;
  if (end > bytes.length) throw new Error('the DER is cut off');
  return { tag, content: bytes.subarray(start, end), end };
}
