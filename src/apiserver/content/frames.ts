import type { Kind, UnknownObject } from '#api';
import { apiVersionOf } from '#api';
import type { SharedValue, Sink } from '#wire';
import { protobufWatchFrame } from '#wire';
import type { Core } from '../core.ts';
import type { Item } from '../storage/item.ts';
import type { CacheEvent, EventType } from '../watch-cache/event.ts';
import type { Form } from './negotiate.ts';
import { mediaTypes } from './negotiate.ts';
import { isLargeItem, protobufBody, protobufForm, servedMetadata, servedObject } from './render.ts';
import { partialMetadata, tableOf } from './transform.ts';

/** An event as bytes, or as it is for a reader in this process. */
export type Frame = Buffer | SharedEvent;

export interface SharedEvent extends SharedValue {
  readonly type: string;
  readonly object: UnknownObject;
}

/** Turns what a watcher is to see into what is written. */
export interface Framer {
  /** An object of the initial state. */
  initial(item: Item): Frame;
  change(event: CacheEvent, type: EventType): Frame;
  /** What has to be waited for before `initial` of a large item is quick. */
  ready(item: Item): Promise<unknown> | undefined;
  /** The same for `change`; while somebody has what this resolves with. */
  readyFor(event: CacheEvent): Promise<unknown> | undefined;
  /** Everything up to `revision` has been sent; `isInitialEnd` marks the end of the initial state. */
  bookmark(revision: number, isInitialEnd: boolean): Frame;
  error(status: unknown): Frame;
}

/** Returns false when the reader should be waited for. */
export function writeFrame(sink: Sink, frame: Frame): boolean {
  return frame instanceof Uint8Array ? sink.write(frame) : sink.share!(frame);
}

export function writeFrames(sink: Sink, frames: readonly Frame[]): void {
  if (frames.length === 0) return;
  if (frames[0] instanceof Uint8Array) sink.write(frames.length === 1 ? frames[0] : Buffer.concat(frames as Buffer[]));
  else for (const frame of frames) writeFrame(sink, frame);
}

export interface FramerOptions {
  readonly core: Core;
  readonly kind: Kind;
  readonly form: Form;
  readonly query: URLSearchParams;
  /** Whether the reader takes events as they are. */
  readonly shares: boolean;
  /** The name of who asks. */
  readonly owner: string;
}

export function watchContentType(form: Form): string {
  return form.media === 'json' ? mediaTypes.json : `${mediaTypes[form.media]};stream=watch`;
}

const heads: Readonly<Record<EventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const tail = Buffer.from('}\n');
/** About the bytes of a bookmark or an error. */
const smallLength = 256;

/** Frames in the form that was negotiated. Changes are framed once for all watchers of the same form. */
export function createFramer(options: FramerOptions): Framer {
  const { kind, form } = options;
  const apiVersion = apiVersionOf(kind);
  const isPlain = form.media === 'json' && form.as === undefined;
  const { protobuf } = options.core;
  const { shares } = options;
  const own = { apiVersion, kind: kind.kind };
  const isWholeProtobuf = !shares && form.media === 'protobuf' && form.as === undefined;
  const encode = (type: string, object: UnknownObject, length = smallLength): Frame => {
    if (shares) return { type, object, length };
    return form.media === 'protobuf' ? protobufWatchFrame(type, protobuf.encode(object)) : encodeJson(type, object);
  };
  const make = (type: EventType, item: Item): Frame => {
    if (form.as === 'PartialObjectMetadata') return encode(type, servedMetadata(kind, item, form.asVersion));
    if (shares) return encode(type, servedObject(kind, item), item.length);
    if (isPlain && item.isOf(apiVersion)) return Buffer.concat([heads[type], item.bytes, tail]);
    if (isWholeProtobuf) {
      // A large one has been made ready, so that this is at hand.
      const body = item.encoded(protobufForm(kind), () => protobuf.encodeBody(servedObject(kind, item), own));
      return protobufWatchFrame(type, protobuf.wrap(body, own));
    }
    return encode(type, shown(servedObject(kind, item)));
  };
  const shown = showerOf(options);
  // Tables differ from watcher to watcher (the first event has the columns), so they are not shared.
  const shared =
    form.as === 'Table'
      ? undefined
      : `${apiVersion} ${shares ? 'shared' : form.media} ${form.as ?? ''}${form.asVersion} `;
  return {
    initial: item => make('ADDED', item),
    ready: item => (isWholeProtobuf ? largeProtobuf(options, item) : undefined),
    readyFor(event) {
      const item = event.item ?? event.previous;
      if (!isWholeProtobuf || !item || !isLargeItem(item)) return undefined;
      // Once for all watchers: what it resolves with is kept for as long as the event is.
      const type = event.item ? 'MODIFIED' : 'DELETED';
      return event.frame(type, `${shared}ready`, (_type, shown) => Promise.resolve(largeProtobuf(options, shown)));
    },
    change: (event, type) => (shared ? event.frame(type, shared, make) : make(type, event.shown(type))),
    bookmark(revision, isInitialEnd) {
      const annotations = isInitialEnd ? { 'k8s.io/initial-events-end': 'true' } : undefined;
      const metadata = {
        resourceVersion: String(revision),
        ...(annotations && { annotations }),
        creationTimestamp: null,
      };
      const object = { kind: kind.kind, apiVersion, metadata } as unknown as UnknownObject;
      return encode('BOOKMARK', form.as ? shown(object) : object);
    },
    error: status => encode('ERROR', status as UnknownObject),
  };
}

/** Encodes a large item where that holds nobody up. */
function largeProtobuf({ core, kind, owner }: FramerOptions, item: Item): Promise<unknown> | undefined {
  const body = isLargeItem(item) ? protobufBody(core, kind, item, owner) : undefined;
  // Whatever is in the way there (too many wait): then it is encoded here, when it is shown.
  return body instanceof Promise ? body.catch(() => undefined) : undefined;
}

function encodeJson(type: string, object: UnknownObject): Buffer {
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);
}

/** What stands in an event for an object: itself, its metadata, or a table of one row. */
function showerOf({ core, kind, form, query }: FramerOptions): (object: UnknownObject) => UnknownObject {
  if (form.as === undefined) return object => object;
  if (form.as === 'PartialObjectMetadata') return object => partialMetadata(object.metadata, form.asVersion);
  let isFirst = true;
  return object => {
    // Upstream sends the columns once.
    const withoutColumns = !isFirst;
    isFirst = false;
    const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
    // A bookmark is a table without rows.
    const objects = object.metadata.uid === undefined ? [] : [object];
    return tableOf({ core, kind, query, objects, metadata, version: form.asVersion, withoutColumns });
  };
}
