export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly bytes: Buffer;
}

const begin = /^-----BEGIN (.*)-----[ \t\r]*$/;
const end = /^-----END (.*)-----[ \t\r]*$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The well-formed blocks of a text, whatever stands around them; as Go's encoding/pem. */
export function* pemBlocks(text: string): Generator<PemBlock> {
  let type: string | undefined;
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const opened = begin.exec(line)?.[1];
    if (opened !== undefined) {
      type = opened;
      lines = [];
      continue;
    }
    if (type === undefined) continue;
    const closed = end.exec(line)?.[1];
    if (closed === undefined) lines.push(line);
    else {
      const block = closed === type ? blockOf(type, lines) : undefined;
      if (block) yield block;
      type = undefined;
    }
  }
}

function blockOf(type: string, lines: readonly string[]): PemBlock | undefined {
  const first = lines.findIndex(line => !line.includes(':'));
  const body = lines
    .slice(Math.max(first, 0))
    .join('')
    .replace(/[ \t\r]/g, '');
  return base64.test(body) ? { type, hasHeaders: first > 0, bytes: Buffer.from(body, 'base64') } : undefined;
}
