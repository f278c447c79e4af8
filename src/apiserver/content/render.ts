import type { Kind, UnknownObject } from '#api';
import { apiVersionOf, jsonTextSteps } from '#api';
import type { Turn } from '#base';
import { createTurn, inTurns } from '#base';
import type { Response, WireKind } from '#wire';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange.ts';
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
  /** Whoever asks, with what else was asked for. */
  readonly exchange: Exchange;
}

/** True when the cached bytes are the answer. */
export function isPlain(view: View): boolean {
  const { form } = view;
  return form.media === 'json' && form.as === undefined && !isIndented(view);
}

/** For browsers and curl, and for who wants it so. */
export function isIndented({ exchange }: View): boolean {
  return isPretty(exchange.info.query, exchange.request.headers['user-agent']);
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
    const body = protobufBody(core, kind, item, view.exchange.user.name);
    return body instanceof Promise
      ? body.then(bytes => protobufAnswer(view, bytes, status))
      : protobufAnswer(view, body, status);
  }
  if (form.as === 'PartialObjectMetadata') return encode(view, servedMetadata(kind, item, form.asVersion), status);
  if (isLargeItem(item)) return renderLarge(view, item, status);
  return renderObject(view, servedObject(kind, item), status);
}

function protobufAnswer({ core, kind }: View, body: Uint8Array, status: number): Response {
  const type = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  return { status, headers: headersOf('protobuf'), body: core.protobuf.wrap(body, type) };
}

/** As text: a table, or the object itself. */
async function renderLarge(view: View, item: Item, status: number): Promise<Response> {
  const { core, kind, form } = view;
  const { query } = view.exchange.info;
  const turn = createTurn(core.clock);
  const object = toVersion(await item.load(turn), kind);
  const shown = form.as ? tableOf({ core, kind, query, objects: [object], version: form.asVersion }) : object;
  if (turn.isOver()) await turn.next();
  return textAnswer(view, { object: shown, turn, status });
}

async function textAnswer(
  view: View,
  { object, turn, status }: { object: UnknownObject; turn: Turn; status: number },
): Promise<Response> {
  if (view.form.media === 'yaml') {
    return { status, headers: headersOf('yaml'), body: Buffer.from(await inTurns(turn, yamlSteps(object))) };
  }
  const steps = isIndented(view) ? prettySteps(object) : jsonTextSteps(object);
  return { status, headers: jsonHeaders, body: Buffer.from(`${await inTurns(turn, steps)}\n`) };
}

/** An object that no item stands for: what a dry run would have made, or what is gone. A large one in as many turns as it takes. */
export function renderUnstored(view: View, object: UnknownObject, status = 200): Response | Promise<Response> {
  const { form, exchange } = view;
  const isWhole = form.as === undefined && object.kind !== 'Status';
  if (!exchange.turn || !isWhole) return renderObject(view, object, status);
  const large = { object, turn: exchange.turn, status };
  return form.media === 'protobuf' ? protobufApart(view, large) : textAnswer(view, large);
}

async function protobufApart(
  view: View,
  { object, turn, status }: { object: UnknownObject; turn: Turn; status: number },
): Promise<Response> {
  const { core, kind, exchange } = view;
  const json = Buffer.from(await inTurns(turn, jsonTextSteps(object)));
  const type = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  const { bytes } = await core.threads.run('writeProtobuf', { json, kind: type }, exchange.user.name);
  return protobufAnswer(view, bytes, status);
}

/** Any object of the kind, or another that is an answer to it (Scale, Status). */
export function renderObject(view: View, object: UnknownObject, status = 200): Response {
  const { form, core, kind } = view;
  const { query } = view.exchange.info;
  if (object.kind === 'Status' || form.as === undefined) return encode(view, object, status);
  if (form.as === 'Table') {
    return encode(view, tableOf({ core, kind, query, objects: [object], version: form.asVersion }), status);
  }
  return encode(view, partialMetadata(object.metadata, form.asVersion), status);
}

/** The message of an object, without envelope; of a large one in a worker thread. */
export function protobufBody(core: Core, kind: Kind, item: Item, owner: string): Uint8Array | Promise<Uint8Array> {
  const type = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  const form = protobufForm(kind);
  if (isLargeItem(item) && item.isOf(type.apiVersion))
    return item.known(form) ?? writeApart(core, type, { item, form, owner });
  return item.encoded(form, () => core.protobuf.encodeBody(servedObject(kind, item), type));
}

async function writeApart(
  core: Core,
  kind: WireKind,
  { item, form, owner }: { item: Item; form: string; owner: string },
): Promise<Uint8Array> {
  // A copy: these may be a part of the bytes of many items.
  const { bytes } = await core.threads.run('writeProtobuf', { json: new Uint8Array(item.bytes), kind }, owner);
  return item.encoded(form, () => bytes);
}

/** Names the encoding, see `Item.encoded`. */
export function protobufForm(kind: Kind): string {
  return `protobuf ${apiVersionOf(kind)}`;
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
    const text = isIndented(view) ? prettyJson(object) : JSON.stringify(object);
    return { status, headers: jsonHeaders, body: Buffer.from(`${text}\n`) };
  }
  const headers = headersOf(media);
  if (media === 'protobuf') return { status, headers, body: view.core.protobuf.encode(object) };
  return { status, headers, body: Buffer.from(yamlText(object)) };
}
