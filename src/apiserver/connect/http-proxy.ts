import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { isWebSocketRequest, joinSockets, loadHttpRequest, type Request, type Response, requestUpgrade } from '#wire';
import { createHtmlRewriter, type LinkRewrite, rewriteLink } from './rewrite-links.ts';

export interface Tls {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  insecure?: boolean;
}

export interface ProxyTarget {
  /** With path and query. */
  url: string;
  tls?: Tls | undefined;
  /** Headers for the target beside or instead of the client's. */
  headers?: Record<string, string>;
  /** Links in answers are made to lead through this proxy. */
  rewrite?: LinkRewrite | undefined;
}

/** Headers that speak of one connection and are not passed on (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** What the client said to us and nobody else is to hear. */
const ours = new Set(['authorization', 'host', 'content-length']);

/** Passes a request on and the answer back, streaming both ways; also upgrades. Rejects when the target cannot be reached. */
export function proxyRequest(request: Request, target: ProxyTarget): Promise<Response> {
  return request.headers['upgrade'] ? proxyUpgrade(request, target) : proxyPlain(request, target);
}

/** Passes an upgrade through byte by byte: whatever the two ends agree on. */
export async function proxyUpgrade(request: Request, target: ProxyTarget): Promise<Response> {
  const outcome = await requestUpgrade({
    url: target.url,
    method: request.method,
    headers: { ...passedOn(request, true), ...target.headers },
    tls: target.tls,
  });
  if (!outcome.upgraded) return { status: outcome.status, headers: plainHeaders(outcome.headers), body: outcome.body };
  return {
    status: 101,
    headers: { ...plainHeaders(outcome.headers), connection: 'Upgrade', upgrade: outcome.headers.upgrade ?? '' },
    upgrade: (socket, head) => joinSockets({ socket, head }, outcome),
  };
}

async function proxyPlain(request: Request, target: ProxyTarget): Promise<Response> {
  const send = await loadHttpRequest(target.url);
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { ca, cert, key, insecure } = target.tls ?? {};
  const call = send(target.url, {
    method: request.method,
    headers: { ...passedOn(request, false), ...target.headers },
    agent: false,
    signal: request.signal,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(insecure && { rejectUnauthorized: false }),
  });
  call.on('response', answer => {
    const { headers, chunks } = target.rewrite ? rewritten(answer, target.rewrite) : plain(answer);
    resolve({
      status: answer.statusCode!,
      headers,
      async body(sink) {
        for await (const chunk of chunks) {
          if (!sink.write(chunk)) await sink.drained();
        }
      },
    });
  });
  call.on('error', reject);
  sendBody(request, call).catch(reject);
  return promise;
}

interface Passed {
  readonly headers: Record<string, string>;
  readonly chunks: AsyncIterable<Uint8Array>;
}

const plain = (answer: IncomingMessage): Passed => ({ headers: plainHeaders(answer.headers), chunks: answer });

/** Whom a pod lets read its pages with the reader's credentials is not for the pod to say: those are ours. */
const crossOrigin = /^access-control-/;

function rewritten(answer: IncomingMessage, rewrite: LinkRewrite): Passed {
  const kept = Object.entries(plainHeaders(answer.headers)).filter(([name]) => !crossOrigin.test(name));
  const headers = Object.fromEntries(kept);
  if (headers['location']) headers['location'] = rewriteLink(headers['location'], rewrite);
  const unpack = unpackers[headers['content-encoding'] ?? ''];
  if (!unpack || !/^text\/html\b/i.test(headers['content-type'] ?? '')) return { headers, chunks: answer };
  delete headers['content-length'];
  delete headers['content-encoding'];
  return { headers, chunks: rewritePage(unpack(answer), rewrite) };
}

const unpackers: Readonly<Record<string, ((answer: IncomingMessage) => AsyncIterable<Buffer>) | undefined>> = {
  '': answer => answer,
  identity: answer => answer,
  gzip: answer => pipeline(answer, createGunzip(), ignored),
  deflate: answer => pipeline(answer, createInflate(), ignored),
};
/** A broken stream is told to whoever reads it. */
const ignored = () => undefined;

async function* rewritePage(chunks: AsyncIterable<Buffer>, rewrite: LinkRewrite): AsyncIterable<Buffer> {
  const rewriter = createHtmlRewriter(rewrite);
  for await (const chunk of chunks) yield Buffer.from(rewriter.push(chunk.toString('latin1')), 'latin1');
  yield Buffer.from(rewriter.end(), 'latin1');
}

async function sendBody(request: Request, call: ClientRequest): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    for await (const chunk of request.stream()) {
      if (!call.write(chunk)) await new Promise(resolve => call.once('drain', resolve));
    }
  }
  call.end();
}

function passedOn(request: Request, isUpgrade: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !name.startsWith(':') && !hopByHop.has(name) && !ours.has(name)) headers[name] = value;
  }
  if (isUpgrade) headers['upgrade'] = request.headers['upgrade']!;
  if (isWebSocketRequest(request.headers))
    headers['sec-websocket-version'] = request.headers['sec-websocket-version'] ?? '13';
  return headers;
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopByHop.has(name)) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}
