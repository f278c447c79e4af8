import type { KubeList, KubeObject, Resource, Status } from '#api';
import { apiVersionOf } from '#api';
import type { Client, ListSelection, RawRequest, RawResponse, Transport, WriteOptions } from './client.ts';
import { ApiError, ClientError, isExpired } from './errors.ts';
import { deleteBody, patchContentTypes, pathOf, refOf, selectionQuery, withQuery, writeQuery } from './request.ts';
import { readWatch } from './watch-parser.ts';

export interface ClientOptions {
  /** Belongs to the caller, who disposes it after the client's last call. */
  transport: Transport;
  userAgent: string;
  /** Recorded in managedFields unless a call names another. Default: the part of userAgent before the slash, chosen by the server. */
  fieldManager?: string | undefined;
}

/** Upstream's page size: bounds the memory of one answer. */
const pageSize = 500;

/** The Kubernetes API over a transport. */
export function createClient(options: ClientOptions): Client {
  const call = createCaller(options);
  const { fieldManager } = options;
  return {
    get: async (resource, ref, { subresource, signal } = {}) =>
      whole(
        await call.json({ method: 'GET', path: pathOf(resource, ref, subresource), signal }),
        resource,
        subresource,
      ),
    list: (resource, selection) => listAll(call, resource, selection),
    create: async <T extends KubeObject, R extends KubeObject>(
      resource: Resource<T>,
      object: R,
      write?: WriteOptions,
    ) => {
      const { namespace, name } = refOf(object);
      const path = pathOf(resource, write?.subresource ? { namespace, name } : { namespace }, write?.subresource);
      return call.json({
        method: 'POST',
        path: withQuery(path, writeQuery(write, fieldManager)),
        body: write?.subresource ? object : whole(object as unknown as T, resource),
        signal: write?.signal,
      });
    },
    update: async (resource, object, write) =>
      call.json({
        method: 'PUT',
        path: withQuery(pathOf(resource, refOf(object), write?.subresource), writeQuery(write, fieldManager)),
        body: write?.subresource && write.subresource !== 'status' ? object : whole(object, resource),
        signal: write?.signal,
      }),
    patch: async (resource, ref, patch) =>
      call.json({
        method: 'PATCH',
        path: withQuery(pathOf(resource, ref, patch.subresource), {
          ...writeQuery(patch, fieldManager),
          force: patch.type === 'apply' ? patch.force : undefined,
        }),
        body: patch.body,
        contentType: patchContentTypes[patch.type],
        accept: patch.metadataOnly ? metadataType('PartialObjectMetadata') : undefined,
        signal: patch.signal,
      }),
    delete: (resource, ref, deletion) =>
      call.json({ method: 'DELETE', path: pathOf(resource, ref), raw: deleteBody(deletion), signal: deletion?.signal }),
    deleteCollection: async (resource, selection, deletion) => {
      const path = withQuery(pathOf(resource, { namespace: selection.namespace }), selectionQuery(selection));
      await call.json({ method: 'DELETE', path, raw: deleteBody(deletion), signal: selection.signal });
    },
    watch<T extends KubeObject>(resource: Resource<T>, selection: Parameters<Client['watch']>[1]) {
      const path = withQuery(pathOf(resource, { namespace: selection.namespace }), {
        ...selectionQuery(selection),
        watch: true,
        allowWatchBookmarks: selection.allowBookmarks,
        sendInitialEvents: selection.sendInitialEvents,
        resourceVersionMatch: selection.sendInitialEvents === undefined ? undefined : 'NotOlderThan',
        timeoutSeconds: selection.timeoutSeconds,
      });
      const { signal, shares, metadataOnly } = selection;
      const accept = metadataOnly ? metadataType('PartialObjectMetadata') : undefined;
      return readWatch<T>(() => call.stream({ method: 'GET', path, accept, signal, shares }));
    },
    raw: call.raw,
  };
}

interface JsonCall {
  method: string;
  path: string;
  body?: unknown;
  /** A body that is encoded already. */
  raw?: string | undefined;
  contentType?: string;
  accept?: string | undefined;
  signal?: AbortSignal | undefined;
  shares?: boolean | undefined;
}

/** Metadata instead of whole objects; an aggregated server may know no such thing. */
const metadataType = (as: string) => `application/json;as=${as};g=meta.k8s.io;v=v1,application/json`;

interface Caller {
  json<R>(request: JsonCall): Promise<R>;
  stream(request: JsonCall): Promise<RawResponse>;
  raw(request: RawRequest): Promise<RawResponse>;
}

function createCaller({ transport, userAgent }: ClientOptions): Caller {
  const raw = (request: RawRequest) =>
    transport.send({ ...request, headers: { 'user-agent': userAgent, ...request.headers } });
  const send = async ({ method, path, body, raw: encoded, contentType, accept, signal, shares }: JsonCall) => {
    const text = encoded ?? (body === undefined ? undefined : JSON.stringify(body));
    const headers: Record<string, string> = { accept: accept ?? 'application/json' };
    if (text !== undefined) headers['content-type'] = contentType ?? 'application/json';
    const response = await raw({ method, path, headers, body: text, signal, shares });
    if (response.status >= 400) throw toApiError(response.status, await readAll(response.body), { method, path });
    return response;
  };
  return {
    raw,
    async json<R>(request: JsonCall) {
      const { value, body } = await send(request);
      return (value ?? parseJson((await readAll(body)).toString(), request)) as R;
    },
    stream: send,
  };
}

/** The whole body in memory. */
export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parseJson<R>(text: string, { method, path }: { method: string; path: string }): R {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ClientError('malformed', `the answer to ${method} ${path} is not JSON`, { cause });
  }
}

function toApiError(code: number, body: Buffer, { method, path }: { method: string; path: string }): ApiError {
  const text = body.toString();
  let status: Status | undefined;
  try {
    status = JSON.parse(text);
  } catch {
    // Proxies and health checks answer in plain text: it becomes the message.
  }
  if (status?.kind === 'Status') return new ApiError({ ...status, code: status.code ?? code });
  const message = `${method} ${path}: the server answered ${code}: ${text.slice(0, 1024).trim()}`;
  return new ApiError({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message });
}

/** All pages. When a continue token has expired, everything is read again in one piece, as upstream's pager does. */
async function listAll<T extends KubeObject>(
  call: Caller,
  resource: Resource<T>,
  selection?: ListSelection,
): Promise<KubeList<T>> {
  const page = (more: { limit?: number; continue?: string }) => {
    const query: ReturnType<typeof selectionQuery> = { ...selectionQuery(selection), ...more };
    // A continue token carries its own version.
    if (more.continue) query['resourceVersion'] = undefined;
    const path = withQuery(pathOf(resource, { namespace: selection?.namespace }), query);
    const { signal, shares, metadataOnly } = selection ?? {};
    const accept = metadataOnly ? metadataType('PartialObjectMetadataList') : undefined;
    return call.json<KubeList<T>>({ method: 'GET', path, accept, signal, shares });
  };
  const first = await page({ limit: pageSize });
  const items = first.items ?? [];
  let next = first.metadata.continue;
  while (next) {
    let following: KubeList<T>;
    try {
      following = await page({ limit: pageSize, continue: next });
    } catch (error) {
      if (!isExpired(error)) throw error;
      const all = await page({});
      return { ...all, items: all.items.map(item => whole(item, resource)) };
    }
    for (const item of following.items) items.push(item);
    next = following.metadata.continue;
  }
  const { continue: _, remainingItemCount: __, ...metadata } = first.metadata;
  return { ...first, metadata, items: items.map(item => whole(item, resource)) };
}

/** Names the type on the object: lists leave it out of their items, and callers leave it out of what they create. */
function whole<T extends KubeObject>(object: T, resource: Resource<T>, subresource?: string): T {
  if (subresource || (object.kind && object.apiVersion)) return object;
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}
