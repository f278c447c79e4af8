import type { Stage } from '../exchange.ts';

/** Upstream's bounds: what is longer is cut, what is more is dropped. */
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
  const headers: string[] = [];
  let length = 0;
  for (const text of new Set(warnings)) {
    const header = `299 - "${quoted(text.slice(0, maxTextLength))}"`;
    length += header.length;
    if (length > maxAllLength) break;
    headers.push(header);
  }
  return headers.join(', ');
}

/** The inside of a quoted-string. Headers are ASCII on the wire: anything else becomes a question mark rather than a broken header. */
function quoted(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/[\\"]/g, '\\$&');
}
