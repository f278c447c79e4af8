import type { Stage } from '../exchange.ts';

/** Upstream's bounds: past the sum of characters every text is cut, and what still is too much is dropped. */
const maxTextLength = 256;
const maxAllLength = 4096;

/** Sends the warnings that came up on the way as Warning headers (RFC 7234, code 299). Stands outside of recover: refusals carry warnings too. */
export function createWarn(): Stage {
  return async (exchange, next) => {
    const response = await next(exchange);
    if (exchange.warnings.length > 0) response.headers = { ...response.headers, warning: format(exchange.warnings) };
    return response;
  };
}

function format(warnings: readonly string[]): string {
  return bounded([...new Set(warnings)])
    .map(text => `299 - "${quoted(text)}"`)
    .join(', ');
}

function bounded(texts: readonly string[]): readonly string[] {
  if (texts.reduce((sum, text) => sum + text.length, 0) <= maxAllLength) return texts;
  const kept: string[] = [];
  let length = 0;
  for (const text of texts) {
    if (length >= maxAllLength) break;
    const characters = Array.from(text).slice(0, maxTextLength);
    length += characters.length;
    kept.push(characters.join(''));
  }
  return kept;
}

/** The inside of a quoted-string in UTF-8, which clients expect: headers are strings of bytes here, as Node takes them. */
function quoted(text: string): string {
  const line = text.replace(/[\x00-\x1f\x7f]/g, ' ').replace(/[\\"]/g, '\\$&');
  return Buffer.from(line).toString('latin1');
}
