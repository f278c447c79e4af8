import { createHash } from 'node:crypto';
import type { APIService } from '#api';
import type { Clock } from '#base';
import { isAvailable } from './api-services.ts';
import type { Backends } from './backend.ts';
import { toIdentityHeaders } from './identity-headers.ts';

/** A document that a server behind this one gave. */
export interface Fetched {
  readonly status: number;
  /** The ETag, or a hash where there is none: the same tag is the same document. */
  readonly tag: string;
  /** The JSON; undefined for answers other than 200. */
  readonly document: unknown;
}

export interface FetchDeps {
  readonly backends: Backends;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Discovery and OpenAPI documents are not asked for longer than this (as upstream). */
const fetchMs = 5000;
/** The OpenAPI document of a large server has a few MiB. */
const maxBytes = 32 * 1024 * 1024;
/** Documents are about what there is, not about who asks. */
const asker = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** GET from the server of an APIService, read whole. Rejects when it is not available, does not answer in time, or what it says is no JSON. */
export async function fetchDocument(
  object: APIService,
  asked: { path: string; accept: string; etag?: string | undefined },
  { backends, clock, signal }: FetchDeps,
): Promise<Fetched> {
  if (!isAvailable(object)) throw new Error('service unavailable');
  const stop = new AbortController();
  using _timer = clock.timer(fetchMs, () => stop.abort(new Error(`${asked.path}: no answer in time`)), { unref: true });
  const { response } = await backends.send(object, backends.resolve(object), {
    method: 'GET',
    path: asked.path,
    headers: {
      accept: asked.accept,
      ...(asked.etag && { 'if-none-match': asked.etag }),
      ...toIdentityHeaders(asker),
    },
    signal: AbortSignal.any([signal, stop.signal]),
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`${asked.path}: the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error(`${asked.path}: the answer was cut off`);
  const status = response.statusCode ?? 0;
  const bytes = Buffer.concat(chunks);
  const document: unknown = status === 200 ? JSON.parse(bytes.toString()) : undefined;
  return { status, tag: response.headers.etag ?? createHash('sha256').update(bytes).digest('hex'), document };
}

/** Whether a value of unknown origin is an object whose fields may be read. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The list under a name, with only what is an object in it; empty for anything else. */
export function recordsIn(value: unknown, field: string): Record<string, unknown>[] {
  const list = isRecord(value) ? value[field] : undefined;
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
