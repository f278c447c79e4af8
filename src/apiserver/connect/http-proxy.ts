import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { joinSockets, loadHttpRequest, type Request, type Response, requestUpgrade, serverName } from '#wire';
import { StatusError } from '../access/refuse.ts';
import { answered, passedOn } from './proxied-headers.ts';
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

/** Passes a request on and the answer back, streaming both ways; also upgrades. Rejects when the target cannot be reached. */
export function proxyRequest(request: Request, target: ProxyTarget): Promise<Response> {
  return request.headers['upgrade'] ? proxyUpgrade(request, target) : proxyPlain(request, target);
}

/** Passes an upgrade through byte by byte: whatever the two ends agree on. Throws Status when the target answers as if nobody had asked to upgrade. */
export async function proxyUpgrade(request: Request, target: ProxyTarget): Promise<Response> {
  const outcome = await requestUpgrade({
    url: target.url,
    method: request.method,
    headers: { ...passedOn(request, true), ...target.headers },
    tls: target.tls,
  });
  const answer = answered(outcome.headers);
  if (!outcome.upgraded) {
    // It may be cut: its own length counts.
    delete answer.headers['content-length'];
    const message = `invalid upgrade response: status code ${outcome.status}`;
    if (outcome.status < 400) throw new StatusError({ code: 500, reason: '', message });
    return { ...answer, status: outcome.status, body: outcome.body };
  }
  return {
    ...answer,
    status: 101,
    headers: { ...answer.headers, connection: 'Upgrade', upgrade: outcome.headers.upgrade ?? '' },
    upgrade: (socket, head) => joinSockets({ socket, head }, outcome),
  };
}

/** The same without an upgrade, whether the client asks for one or not. */
export async function proxyPlain(request: Request, target: ProxyTarget): Promise<Response> {
  const send = await loadHttpRequest(target.url);
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { ca, cert, key, insecure } = target.tls ?? {};
  const call = send(target.url, {
    method: request.method,
    headers: { ...passedOn(request, false), ...bodyHeaders(request), ...target.headers },
    agent: false,
    servername: serverName(target.url),
    signal: request.signal,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(insecure && { rejectUnauthorized: false }),
  });
  call.on('response', answer => {
    const { chunks, ...passed } = target.rewrite ? rewritten(answer, target.rewrite) : plain(answer);
    resolve({
      ...passed,
      status: answer.statusCode!,
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
  readonly cookies?: readonly string[];
  readonly chunks: AsyncIterable<Uint8Array>;
}

const plain = (answer: IncomingMessage): Passed => ({ ...answered(answer.headers), chunks: answer });

/** Whom a pod lets read its pages with the reader's credentials is not for the pod to say: those are ours. */
const crossOrigin = /^access-control-allow-(?:credentials|headers|methods|origin)$/;

function rewritten(answer: IncomingMessage, rewrite: LinkRewrite): Passed {
  const { headers: all, ...passed } = answered(answer.headers);
  const headers = Object.fromEntries(Object.entries(all).filter(([name]) => !crossOrigin.test(name)));
  if (headers['location']) headers['location'] = rewriteLink(headers['location'], rewrite);
  const unpack = unpackers[headers['content-encoding'] ?? ''];
  if (!unpack || !/^text\/html\b/i.test(headers['content-type'] ?? '')) return { ...passed, headers, chunks: answer };
  delete headers['content-length'];
  delete headers['content-encoding'];
  return { ...passed, headers, chunks: rewritePage(unpack(answer), rewrite) };
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

/** True for a body that is announced; a request over HTTP/2 need not announce it. */
function hasBody({ method, headers }: Request): boolean {
  const length = headers['content-length'];
  if (length !== undefined) return length !== '0';
  if (headers['transfer-encoding'] !== undefined) return true;
  return headers[':method'] !== undefined && method !== 'GET' && method !== 'HEAD';
}

/** A length stays a length: small servers in pods do not know chunks. */
function bodyHeaders(request: Request): Record<string, string> {
  if (!hasBody(request)) return {};
  const length = request.headers['content-length'];
  return length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': length };
}

async function sendBody(request: Request, call: ClientRequest): Promise<void> {
  if (hasBody(request)) {
    for await (const chunk of request.stream()) {
      if (!call.write(chunk)) await new Promise(resolve => call.once('drain', resolve));
    }
  }
  call.end();
}
