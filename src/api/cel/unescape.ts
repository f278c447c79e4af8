const single: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const sequence = /\\(?:([xX])([0-9a-fA-F]{2})|[uU]([0-9a-fA-F]{8}|[0-9a-fA-F]{4})|([0-3][0-7]{2})|([\s\S]))/g;

interface Quoted {
  readonly body: string;
  readonly raw: boolean;
}

/** Takes off prefix and quotes. */
function stripQuotes(text: string): Quoted {
  const raw = text[0] === 'r' || text[0] === 'R';
  const quoted = raw ? text.slice(1) : text;
  const width = /^("""|''')/.test(quoted) && quoted.length >= 6 ? 3 : 1;
  // Line ends in source are newlines, as upstream has them.
  const body = quoted.slice(width, quoted.length - width).replace(/\r\n|\r/g, '\n');
  return { body, raw };
}

/** The value of a string token; undefined when an escape names no code point. */
export function unescapeString(text: string): string | undefined {
  const { body, raw } = stripQuotes(text);
  if (raw || !body.includes('\\')) return body;
  let valid = true;
  const value = body.replace(sequence, (_all, _x, hex, unicode, octal, char) => {
    if (char !== undefined) return single[char] ?? char;
    const point = octal === undefined ? Number.parseInt(hex ?? unicode, 16) : Number.parseInt(octal, 8);
    if (point > 0x10_ffff || (point >= 0xd800 && point < 0xe000)) {
      valid = false;
      return '';
    }
    return String.fromCodePoint(point);
  });
  return valid ? value : undefined;
}

/** The value of a bytes token without its `b`: hex and octal escapes are bytes, all else is UTF-8; undefined on a \u escape. */
export function unescapeBytes(text: string): Uint8Array | undefined {
  const { body, raw } = stripQuotes(text);
  const encoder = new TextEncoder();
  if (raw) return encoder.encode(body);
  const parts: number[] = [];
  let last = 0;
  for (const match of body.matchAll(sequence)) {
    parts.push(...encoder.encode(body.slice(last, match.index)));
    last = match.index + match[0].length;
    const [, , hex, unicode, octal, char] = match;
    if (unicode !== undefined) return undefined;
    if (char !== undefined) parts.push(...encoder.encode(single[char] ?? char));
    else parts.push(octal === undefined ? Number.parseInt(hex!, 16) : Number.parseInt(octal, 8));
  }
  parts.push(...encoder.encode(body.slice(last)));
  return Uint8Array.from(parts);
}
