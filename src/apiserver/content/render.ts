import type { Kind, UnknownObject } from '#api';
import { apiVersionOf } from '#api';
import { createTurn, inTurns } from '#base';
import type { Response } from '#wire';
import type { Core } from '../core.ts';
import type { Item } from '../storage/item.ts';
import { jsonHeaders, noCache } from './answer.ts';
import type { Form, Media } from './negotiate.ts';
import { mediaTypes } from './negotiate.ts';
import { isPretty, prettyJson, prettySteps } from './pretty.ts';
import { partialMetadata, tableOf } from './transform.ts';
import { toVersion } from './versions.ts';
import { yamlSteps, yamlText } from './yaml-text.ts';

/** For whom something is rendered, and how. */
export interface View {
  readonly core: Core;
  readonly kind: Kind;
  readonly form: Form;
  readonly query: URLSearchParams;
  /** For browsers and curl, which get their JSON indented. */
  readonly userAgent?: string | undefined;
}

/** True when the cached bytes are the answer. */
export function isPlain({ form, query, userAgent }: View): boolean {
  return form.media === 'json' && form.as === undefined && !isPretty(query, userAgent);
}

/** What is made of larger ones takes a turn of the event loop, and more. */
const largeBytes = 64 * 1024;

export function isLargeItem(item: Item): boolean {
  return item.length > largeBytes;
}

/** One stored object; a large one as text for people in as many turns as it takes. */
export function renderItem(view: View, item: Item, status = 200): Response | Promise<Response> {
  if (isPlain(view) && item.isOf(apiVersionOf(view.kind))) {
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
  if (isLargeItem(item) && form.as === undefined) return renderLarge(view, servedObject(kind, item), status);
  return renderObject(view, servedObject(kind, item), status);
}

async function renderLarge(view: View, object: UnknownObject, status: number): Promise<Response> {
  const turn = createTurn(view.core.clock);
  if (view.form.media === 'yaml') {
    return { status, headers: headersOf('yaml'), body: Buffer.from(await inTurns(turn, yamlSteps(object))) };
  }
  if (!isPretty(view.query, view.userAgent)) return encode(view, object, status);
  return { status, headers: jsonHeaders, body: Buffer.from(`${await inTurns(turn, prettySteps(object))}\n`) };
}

/** Any object of the kind, or another that is an answer to it (Scale, Status). */
export function renderObject(view: View, object: UnknownObject, status = 200): Response {
  const { form, core, kind, query } = view;
  if (object.kind === 'Status' || form.as === undefined) return encode(view, object, status);
  if (form.as === 'Table') {
    return encode(view, tableOf({ core, kind, query, objects: [object], version: form.asVersion }), status);
  }
  return encode(view, partialMetadata(object.metadata, form.asVersion), status);
}

/** The message of an object, without envelope. */
export function protobufBody(core: Core, kind: Kind, item: Item): Uint8Array {
  const type = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  return item.encoded(`protobuf ${type.apiVersion}`, () => core.protobuf.encodeBody(servedObject(kind, item), type));
}

/** The object in the version that is served. Shared: never changed. */
export function servedObject(kind: Kind, item: Item): UnknownObject {
  return toVersion(item.object(), kind);
}

/** Nothing but the metadata, in the version that is served. Shared: never changed. */
export function servedMetadata(kind: Kind, item: Item, version: string): UnknownObject {
  // Some versions keep in annotations what others have fields for.
  const isAsStored = item.isOf(apiVersionOf(kind));
  return partialMetadata(isAsStored ? item.metadata() : servedObject(kind, item).metadata, version);
}

export function headersOf(media: Media): Record<string, string> {
  return { 'cache-control': noCache, 'content-type': mediaTypes[media] };
}

export function encode(view: View, object: UnknownObject, status: number): Response {
  const { media } = view.form;
  if (media === 'json') {
    const text = isPretty(view.query, view.userAgent) ? prettyJson(object) : JSON.stringify(object);
    return { status, headers: jsonHeaders, body: Buffer.from(`${text}\n`) };
  }
  const headers = headersOf(media);
  if (media === 'protobuf') return { status, headers, body: view.core.protobuf.encode(object) };
  return { status, headers, body: Buffer.from(yamlText(object)) };
}
