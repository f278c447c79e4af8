import type { Descriptions, Document, OpenApi, Scheme } from '#api';
import { createOpenApi } from '#api';
import type { Clock } from '#base';
import type { Response } from '#wire';
import { compressIfLarge } from '../content/compress.ts';
import { notAcceptable } from '../errors.ts';
import type { Exchange } from '../exchange.ts';

export interface OpenApiParts {
  readonly scheme: () => Scheme;
  /** `v1.36.0`. */
  readonly version: string;
  /** Texts of types and fields, read when the first document is made. */
  readonly descriptions: () => Descriptions;
  readonly clock: Clock;
}

/** What upstream sends for documents under their hash: they never change. */
const immutable = 'public, immutable';
const oneYearSeconds = 31_536_000;

/** Answers /openapi/v2, /openapi/v3 and what is below it. Documents are made when first asked for, and once for each scheme. */
export function createOpenApiRoutes(
  parts: OpenApiParts,
): (exchange: Exchange) => Response | Promise<Response> | undefined {
  let made: { scheme: Scheme; documents: OpenApi } | undefined;
  const documents = (): OpenApi => {
    const scheme = parts.scheme();
    if (made?.scheme !== scheme)
      made = { scheme, documents: createOpenApi(scheme, { ...parts, descriptions: parts.descriptions() }) };
    return made.documents;
  };
  return exchange => {
    const { path } = exchange.info;
    if (!path.startsWith('/openapi/')) return undefined;
    const document = find(documents, path);
    if (!document) return undefined;
    exchange.isServed = true;
    checkAccept(exchange.request.headers['accept']);
    return answer(exchange, document, parts.clock);
  };
}

function find(documents: () => OpenApi, path: string): Document | undefined {
  if (path === '/openapi/v2') return documents().v2();
  if (path === '/openapi/v3') return documents().index();
  return path.startsWith('/openapi/v3/') ? documents().v3(path.slice('/openapi/v3/'.length)) : undefined;
}

/** The protobuf forms of the documents are not built: a client that takes nothing else must hear so. */
function checkAccept(accept: string | undefined): void {
  if (!accept || /application\/json|\*\/\*|application\/\*/.test(accept)) return;
  throw notAcceptable(['application/json']);
}

function answer(exchange: Exchange, document: Document, clock: Clock): Response | Promise<Response> {
  const { request, info } = exchange;
  const etag = `"${document.hash}"`;
  const asked = info.query.get('hash');
  const headers: Record<string, string> = { 'content-type': 'application/json', etag, vary: 'Accept' };
  if (asked !== null && asked === document.hash) {
    headers['cache-control'] = immutable;
    headers['expires'] = new Date(clock.now() + oneYearSeconds * 1000).toUTCString();
  }
  if (request.headers['if-none-match'] === etag) return { status: 304, headers };
  if (asked !== null && asked !== document.hash) {
    return { status: 301, headers: { location: `${info.path}?hash=${document.hash}` } };
  }
  return compressIfLarge(request, { status: 200, headers, body: document.bytes });
}
