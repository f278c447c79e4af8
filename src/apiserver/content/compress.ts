import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Request, Response } from '#wire';

/** Smaller answers are not worth the time, as upstream. */
const thresholdBytes = 128 * 1024;
/** Upstream's choice: speed over size. */
const level = constants.Z_BEST_SPEED;
const compress = promisify(gzip);

/** Gzips a large answer for clients that take it. The work is done off the event loop. */
export function compressIfLarge(request: Request, response: Response): Response | Promise<Response> {
  const { body } = response;
  if (body === undefined || typeof body === 'function') return response;
  const accept = request.headers['accept-encoding'];
  if (accept === undefined || !acceptsGzip(accept)) return response;
  const whole = body instanceof Uint8Array ? body : undefined;
  if (whole && whole.length <= thresholdBytes) return response;
  const bytes = whole ?? Buffer.concat(body as readonly Uint8Array[]);
  if (bytes.length <= thresholdBytes) return { ...response, body: bytes };
  return gzipped(response, bytes);
}

async function gzipped(response: Response, bytes: Uint8Array): Promise<Response> {
  const body = await compress(bytes, { level });
  return { ...response, headers: { ...response.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, body };
}

function acceptsGzip(accept: string): boolean {
  return accept.split(',').some(clause => {
    const [coding = '', ...parameters] = clause.split(';').map(part => part.trim());
    return coding.toLowerCase() === 'gzip' && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter));
  });
}
