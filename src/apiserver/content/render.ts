import type { Kind, UnknownObject } from '#api';
import { apiVersionOf, isCustomKind } from '#api';
import type { Response } from '#wire';
import type { Core } from '../core.ts';
import type { Item } from '../storage/item.ts';
import type { JoinedItems, Snapshot } from '../watch-cache/snapshot.ts';
import { jsonHeaders, noCache } from './answer.ts';
import type { Form, Media } from './negotiate.ts';
import { mediaTypes } from './negotiate.ts';
import { isPretty, prettyJson } from './pretty.ts';
import { partialMetadata, tableOf } from './transform.ts';
import { toVersion } from './versions.ts';
import { yamlText } from './yaml-text.ts';

/** For whom something is rendered, and how. */
export interface View {
  readonly core: Core;
  readonly kind: Kind;
  readonly form: Form;
  readonly query: URLSearchParams;
  /** For browsers and curl, which get their JSON indented. */
  readonly userAgent?: string | undefined;
}

/** What a list says beside its items. */
export interface ListParts {
  readonly items: readonly Item[];
  readonly snapshot?: Snapshot | undefined;
  readonly revision: number;
  readonly continueToken: string;
  readonly remaining: number | undefined;
}

/** True when the cached bytes are the answer. */
function isPlain({ form, query, userAgent }: View): boolean {
  return form.media === 'json' && form.as === undefined && !isPretty(query, userAgent);
}

/** One stored object. */
export function renderItem(view: View, item: Item, status = 200): Response {
  if (isPlain(view) && item.apiVersion === apiVersionOf(view.kind)) {
    return { status, headers: jsonHeaders, body: item.bytes };
  }
  const { core, kind, form } = view;
  if (form.media === 'protobuf' && form.as === undefined) {
    const body = core.protobuf.wrap(protobufBody(core, kind, item), {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
    });
    return { status, headers: headersOf('protobuf'), body };
  }
  return renderObject(view, servedObject(kind, item), status);
}

/** Any object of the kind, or another that is an answer to it (Scale, Status). */
export function renderObject(view: View, object: UnknownObject, status = 200): Response {
  const { form, core, kind, query } = view;
  if (object.kind === 'Status' || form.as === undefined) return encode(view, object, status);
  if (form.as === 'Table') {
    return encode(view, tableOf({ core, kind, query, objects: [object], version: form.asVersion }), status);
  }
  return encode(view, partialMetadata(object, form.asVersion), status);
}

/** A list; for plain JSON the items' own bytes between commas. */
export function renderList(view: View, parts: ListParts): Response {
  const { kind, form } = view;
  const metadata = {
    resourceVersion: String(parts.revision),
    ...(parts.continueToken ? { continue: parts.continueToken } : {}),
    ...(parts.remaining ? { remainingItemCount: parts.remaining } : {}),
  };
  const apiVersion = apiVersionOf(kind);
  const joined = isPlain(view) && parts.items.length >= minJoined ? parts.snapshot?.joined() : undefined;
  if (joined?.apiVersion === apiVersion) {
    return { status: 200, headers: jsonHeaders, body: aroundJoined(kind, metadata, joined) };
  }
  if (isPlain(view) && parts.items.every(item => item.apiVersion === apiVersion)) {
    return { status: 200, headers: jsonHeaders, body: joinItems(kind, metadata, parts.items) };
  }
  if (form.as === 'Table') return renderTable(view, parts, metadata);
  if (form.as === 'PartialObjectMetadata') return renderPartials(view, parts, metadata);
  if (form.media === 'protobuf') return renderProtobufList(view, parts, metadata);
  const objects = parts.items.map(item => servedObject(kind, item));
  // As upstream, what stands in a list of a built-in kind does not repeat its kind.
  const items = isCustomKind(kind) ? objects : objects.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest);
  return encode(view, { kind: kind.listKind, apiVersion, metadata, items } as unknown as UnknownObject, 200);
}

/** The list's items in a form; what a snapshot has is shared by all who ask for the same. */
function derive<T extends object>(parts: ListParts, form: string, make: () => T, stamp = 0): T {
  return parts.snapshot ? parts.snapshot.derived(form, stamp, make) : make();
}

/** Encoded items; they are kept for as long as their list is. */
interface Encoded {
  readonly bodies: readonly Uint8Array[];
  readonly blocks: readonly Uint8Array[];
}

function renderProtobufList({ core, kind }: View, parts: ListParts, metadata: object): Response {
  const apiVersion = apiVersionOf(kind);
  const { blocks } = derive(parts, `protobuf ${apiVersion}`, (): Encoded => {
    const bodies = parts.items.map(item => protobufBody(core, kind, item));
    return { bodies, blocks: core.protobuf.joinItems(bodies) };
  });
  const body = core.protobuf.encodeList({ kind: { apiVersion, kind: kind.listKind }, metadata, items: blocks });
  return { status: 200, headers: headersOf('protobuf'), body };
}

/** The message of an object, without envelope. */
function protobufBody(core: Core, kind: Kind, item: Item): Uint8Array {
  const type = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  return item.encoded(`protobuf ${type.apiVersion}`, () => core.protobuf.encodeBody(servedObject(kind, item), type));
}

function renderPartials(view: View, parts: ListParts, metadata: object): Response {
  const { kind, form } = view;
  const make = () => parts.items.map(item => partialMetadata(servedObject(kind, item), form.asVersion));
  const list = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.asVersion}`, metadata };
  if (form.media !== 'json' || isPretty(view.query, view.userAgent)) {
    return encode(view, { ...list, items: make() } as unknown as UnknownObject, 200);
  }
  const items = derive(parts, `partial ${form.asVersion}`, () => Buffer.from(JSON.stringify(make())));
  return { status: 200, headers: jsonHeaders, body: withMember(list, 'items', items) };
}

/** Cells show ages: within a second a table of the same objects is the same. */
const ageStepMs = 1000;

function renderTable(view: View, parts: ListParts, metadata: object): Response {
  const { core, kind, form, query } = view;
  const make = () => {
    const objects = parts.items.map(item => servedObject(kind, item));
    return tableOf({ core, kind, query, objects, metadata, version: form.asVersion });
  };
  if (form.media !== 'json' || isPretty(query, view.userAgent)) return encode(view, make(), 200);
  const key = `table ${apiVersionOf(kind)} ${form.asVersion} ${query.get('includeObject') ?? ''}`;
  const second = Math.floor(core.clock.now() / ageStepMs);
  const rows = derive(parts, key, () => Buffer.from(JSON.stringify(make()['rows'])), second);
  const { rows: _none, ...table } = tableOf({ core, kind, query, objects: [], metadata, version: form.asVersion });
  return { status: 200, headers: jsonHeaders, body: withMember(table, 'rows', rows) };
}

/** An object as JSON with one more member, whose bytes are there already. */
function withMember(object: object, name: string, bytes: Uint8Array): Uint8Array[] {
  return [Buffer.from(`${JSON.stringify(object).slice(0, -1)},"${name}":`), bytes, lastBrace];
}

const lastBrace = Buffer.from('}\n');
const comma = Buffer.from(',{');
const first = Buffer.from('{');
const bareComma = Buffer.from(',');
const end = Buffer.from(']}\n');

/** Shorter lists are not worth remembering. */
const minJoined = 32;

/** Everything of a list before its items. */
function listHead(kind: Kind, metadata: object): Buffer {
  const head = JSON.stringify({ kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata });
  return Buffer.from(`${head.slice(0, -1)},"items":[`);
}

function aroundJoined(kind: Kind, metadata: object, { blocks }: JoinedItems): Uint8Array[] {
  return [listHead(kind, metadata), ...blocks, end];
}

function joinItems(kind: Kind, metadata: object, items: readonly Item[]): Uint8Array[] {
  const pieces: Uint8Array[] = [listHead(kind, metadata)];
  if (isCustomKind(kind)) {
    for (const [index, { bytes }] of items.entries()) pieces.push(...(index === 0 ? [] : [bareComma]), bytes);
    return [...pieces, end];
  }
  for (let index = 0; index < items.length; index++) {
    pieces.push(index === 0 ? first : comma, items[index]!.listBytes);
  }
  pieces.push(end);
  return pieces;
}

/** The object in the version that is served. Shared: never changed. */
export function servedObject(kind: Kind, item: Item): UnknownObject {
  return toVersion(item.object(), kind);
}

function headersOf(media: Media): Record<string, string> {
  return { 'cache-control': noCache, 'content-type': mediaTypes[media] };
}

function encode(view: View, object: UnknownObject, status: number): Response {
  const { media } = view.form;
  if (media === 'json') {
    const text = isPretty(view.query, view.userAgent) ? prettyJson(object) : JSON.stringify(object);
    return { status, headers: jsonHeaders, body: Buffer.from(`${text}\n`) };
  }
  const headers = headersOf(media);
  if (media === 'protobuf') return { status, headers, body: view.core.protobuf.encode(object) };
  return { status, headers, body: Buffer.from(yamlText(object)) };
}
