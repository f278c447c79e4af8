import { createHash } from 'node:crypto';
import type { Descriptions, Document, KnownDocument, OpenApi, Scheme } from '#api';
import { createOpenApi } from '#api';
import type { Clock } from '#base';
import type { Response } from '#wire';
import { encodeOpenApiV2 } from '#wire';
import type { OpenApiMerge } from '../aggregation/index.ts';
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
  /** What other servers serve. */
  readonly merge?: OpenApiMerge | undefined;
}

/** What upstream sends for documents under their hash: they never change. */
const immutable = 'public, immutable';
const oneYearSeconds = 31_536_000;

const json = 'application/json';
/** What clients ask for has an at-sign in it, which no media type may have: upstream answers with the other. */
const v2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const askedV2Protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** The documents of one scheme. */
interface Made {
  readonly scheme: Scheme;
  /** Of this server alone; kept when only other servers change. */
  readonly own: OpenApi;
  readonly generation: string;
  readonly documents: OpenApi;
  v2Protobuf?: Document;
}

/** Answers /openapi/v2, /openapi/v3 and what is below it. Documents are made when first asked for, and once for each scheme. */
export function createOpenApiRoutes(
  parts: OpenApiParts,
): (exchange: Exchange) => Response | Promise<Response> | undefined {
  let made: Made | undefined;
  const known = new Map<string, KnownDocument>();
  const current = (): Made => {
    const scheme = parts.scheme();
    const generation = parts.merge?.generation() ?? '';
    if (made?.scheme === scheme && made.generation === generation) return made;
    const isKnown = made?.scheme === scheme;
    const own = isKnown ? made!.own : createOpenApi(scheme, { ...parts, descriptions: parts.descriptions(), known });
    made = { scheme, own, generation, documents: parts.merge?.wrap(own) ?? own };
    return made;
  };
  return exchange => {
    const { path } = exchange.info;
    if (!path.startsWith('/openapi/')) return undefined;
    const isV2 = path === '/openapi/v2';
    const mediaType = chooseMediaType(exchange.request.headers['accept'], isV2);
    const document = mediaType === v2Protobuf ? protobufOf(current()) : find(() => current().documents, path);
    if (!document) return undefined;
    exchange.isServed = true;
    if (!mediaType) throw notAcceptable(isV2 ? [json, v2Protobuf] : [json]);
    return answer(exchange, { ...document, mediaType }, parts.clock);
  };
}

/** Undefined: nothing that is offered will do. The protobuf form of v3 is not built. */
function chooseMediaType(accept: string | undefined, isV2: boolean): string | undefined {
  const clauses = (accept || '*/*').split(',').map(text => {
    const [type = '', ...parameters] = text.split(';').map(part => part.trim());
    const quality = parameters.find(part => part.startsWith('q='));
    return { type, quality: quality ? Number(quality.slice(2)) || 0 : 1 };
  });
  clauses.sort((a, b) => b.quality - a.quality);
  for (const { type, quality } of clauses) {
    if (quality === 0) continue;
    if (type === json || type === 'application/*' || type === '*/*') return json;
    if (isV2 && (type === v2Protobuf || type === askedV2Protobuf)) return v2Protobuf;
  }
  return undefined;
}

/** Kept: kubectl up to 1.26 asks for it with every command that validates. */
function protobufOf(made: Made): Document {
  if (made.v2Protobuf) return made.v2Protobuf;
  const bytes = encodeOpenApiV2(JSON.parse(made.documents.v2().bytes.toString()));
  made.v2Protobuf = { bytes, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() };
  return made.v2Protobuf;
}

function find(documents: () => OpenApi, path: string): Document | undefined {
  if (path === '/openapi/v2') return documents().v2();
  if (path === '/openapi/v3') return documents().index();
  return path.startsWith('/openapi/v3/') ? documents().v3(path.slice('/openapi/v3/'.length)) : undefined;
}

function answer(
  exchange: Exchange,
  document: Document & { mediaType: string },
  clock: Clock,
): Response | Promise<Response> {
  const { request, info } = exchange;
  const etag = `"${document.hash}"`;
  const asked = info.query.get('hash');
  const headers: Record<string, string> = { 'content-type': document.mediaType, etag, vary: 'Accept' };
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
