import type { Descriptions, Document, KnownDocument, OpenApi, Scheme } from '#api';
import { createOpenApi, parseJsonSteps, toDocument } from '#api';
import type { Clock, Steps } from '#base';
import type { Response } from '#wire';
import { encodeOpenApiV2 } from '#wire';
import type { OpenApiMerge } from '../aggregation/index.ts';
import { compressIfLarge } from '../content/compress.ts';
import { notAcceptable, pathNotFound } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { Making } from './making.ts';
import { createMaking, createTurnstile } from './making.ts';

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

/** What is sent of a larger one at once takes milliseconds. */
const largeBytes = 256 * 1024;

const json = 'application/json';
/** What clients ask for has an at-sign in it, which no media type may have: upstream answers with the other. */
const v2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const askedV2Protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** What is served by one scheme. */
interface Served {
  readonly scheme: Scheme;
  readonly generation: string;
  readonly openApi: OpenApi;
}

type Made = Making<Served, Document>;

/** Answers /openapi/v2, /openapi/v3 and what is below it. Documents are made when first asked for, and once for each scheme. */
export function createOpenApiRoutes(
  parts: OpenApiParts,
): (exchange: Exchange) => Response | Promise<Response> | undefined {
  const current = followServed(parts);
  const made: Made = createMaking({ clock: parts.clock, current });
  const pass = createTurnstile();
  return exchange => {
    const { path } = exchange.info;
    if (!path.startsWith('/openapi/')) return undefined;
    const isV2 = path === '/openapi/v2';
    if (!isV2 && !stepsOf(current(), path)) return undefined;
    exchange.isServed = true;
    const mediaType = chooseMediaType(exchange.request.headers['accept'], isV2);
    if (!mediaType) throw notAcceptable(isV2 ? [json, v2Protobuf] : [json]);
    const document = mediaType === v2Protobuf ? protobufOf(made) : jsonOf(made, path);
    const answerWith = (document: Document) => answer(exchange, { ...document, mediaType }, parts.clock);
    if (!(document instanceof Promise) && document.bytes.length < largeBytes) return answerWith(document);
    return Promise.resolve(document).then(async document => {
      if (document.bytes.length >= largeBytes) await pass();
      return answerWith(document);
    });
  };
}

/** The same object as long as the same is served. */
function followServed(parts: OpenApiParts): () => Served {
  const known = new Map<string, KnownDocument>();
  let served: (Served & { own: OpenApi }) | undefined;
  return () => {
    const scheme = parts.scheme();
    const generation = parts.merge?.generation() ?? '';
    if (served?.scheme === scheme && served.generation === generation) return served;
    const own =
      served?.scheme === scheme
        ? served.own
        : createOpenApi(scheme, { ...parts, descriptions: parts.descriptions(), known });
    served = { scheme, generation, own, openApi: parts.merge?.wrap(own) ?? own };
    return served;
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
function protobufOf(made: Made): Document | Promise<Document> {
  return made.get('protobuf', function* ({ openApi }) {
    const { bytes } = yield* openApi.v2();
    const value = yield* parseJsonSteps(bytes.toString());
    yield;
    const encoded = yield* encodeOpenApiV2(value as object, bytes.length);
    yield;
    return yield* toDocument(encoded);
  });
}

function jsonOf(made: Made, path: string): Document | Promise<Document> {
  return made.get(path, served => {
    const steps = stepsOf(served, path);
    // Its group is gone since it was asked for.
    if (!steps) throw pathNotFound();
    return steps;
  });
}

function stepsOf({ openApi }: Served, path: string): Steps<Document> | undefined {
  if (path === '/openapi/v2') return openApi.v2();
  if (path === '/openapi/v3') return openApi.index();
  return path.startsWith('/openapi/v3/') ? openApi.v3(path.slice('/openapi/v3/'.length)) : undefined;
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
