import type { Kind, UnknownObject } from '#api';
import { apiVersionOf, isCustomKind, jsonTextSteps } from '#api';
import type { Turn } from '#base';
import { createTurn, inTurns } from '#base';
import type { Response } from '#wire';
import type { Item } from '../storage/item.ts';
import type { JoinedItems, Snapshot } from '../watch-cache/snapshot.ts';
import { jsonHeaders } from './answer.ts';
import { prettyJson, prettySteps } from './pretty.ts';
import type { View } from './render.ts';
import {
  encode,
  headersOf,
  isIndented,
  isLargeItem,
  isPlain,
  protobufBody,
  servedMetadata,
  servedObject,
} from './render.ts';
import { tableOf } from './transform.ts';
import { yamlItemSteps, yamlPieces } from './yaml-text.ts';

/** What a list says beside its items. */
export interface ListParts {
  readonly items: readonly Item[];
  readonly snapshot?: Snapshot | undefined;
  readonly revision: number;
  readonly continueToken: string;
  readonly remaining: number | undefined;
}

type Metadata = object;

/** A list; for plain JSON the items' own bytes between commas, at once; all other forms are made item by item, in as many turns as it takes. */
export function renderList(view: View, parts: ListParts): Response | Promise<Response> {
  const { kind, form } = view;
  const metadata = metadataOf(parts);
  const apiVersion = apiVersionOf(kind);
  const joined = isPlain(view) && parts.items.length >= minJoined ? parts.snapshot?.joined() : undefined;
  if (joined?.apiVersion === apiVersion) {
    return { status: 200, headers: jsonHeaders, body: aroundJoined(kind, metadata, joined) };
  }
  if (isPlain(view) && parts.items.every(item => item.isOf(apiVersion))) {
    return { status: 200, headers: jsonHeaders, body: joinItems(kind, metadata, parts.items) };
  }
  if (form.as === 'Table') return renderTable(view, parts, metadata);
  if (form.as === 'PartialObjectMetadata') return renderPartials(view, parts, metadata);
  if (form.media === 'protobuf') return renderProtobufList(view, parts, metadata);
  return renderWhole(view, parts, metadata);
}

/** A list for a reader in this process, whole objects or their metadata: shared, never changed. */
export async function shareList(
  { core, kind, form }: Pick<View, 'core' | 'kind' | 'form'>,
  parts: ListParts,
): Promise<object> {
  const isPartial = form.as === 'PartialObjectMetadata';
  const items = await eachInTurns(parts.items, createTurn(core.clock), item => {
    return isPartial ? servedMetadata(kind, item, form.asVersion) : servedObject(kind, item);
  });
  const type = isPartial
    ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.asVersion}` }
    : { kind: kind.listKind, apiVersion: apiVersionOf(kind) };
  return { ...type, metadata: metadataOf(parts), items };
}

function metadataOf({ revision, continueToken, remaining }: ListParts): Metadata {
  return {
    resourceVersion: String(revision),
    ...(continueToken ? { continue: continueToken } : {}),
    ...(remaining ? { remainingItemCount: remaining } : {}),
  };
}

function renderWhole(view: View, parts: ListParts, metadata: Metadata): Promise<Response> {
  const { kind } = view;
  const isCustom = isCustomKind(kind);
  const make = (item: Item): object => {
    const object = servedObject(kind, item);
    // As upstream, what stands in a list of a built-in kind does not repeat its kind.
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
    return isCustom ? object : rest;
  };
  const around = { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata };
  return textAnswer(view, { around, member: 'items', items: parts.items, make });
}

/** The list's items in a form; what a snapshot has is shared by all who ask for the same. */
function derive<T extends object>(parts: ListParts, form: string, make: () => Promise<T>, stamp = 0): T | Promise<T> {
  return parts.snapshot ? parts.snapshot.derived(form, stamp, make) : make();
}

/** Encoded items; they are kept for as long as their list is. */
interface Encoded {
  readonly bodies: readonly Uint8Array[];
  readonly blocks: readonly Uint8Array[];
}

async function renderProtobufList(view: View, parts: ListParts, metadata: Metadata): Promise<Response> {
  const { core, kind } = view;
  const apiVersion = apiVersionOf(kind);
  const { blocks } = await derive(parts, `protobuf ${apiVersion}`, async (): Promise<Encoded> => {
    const bodies = await protobufBodies(view, parts.items);
    return { bodies, blocks: core.protobuf.joinItems(bodies) };
  });
  const body = core.protobuf.encodeList({ kind: { apiVersion, kind: kind.listKind }, metadata, items: blocks });
  return { status: 200, headers: headersOf('protobuf'), body };
}

async function protobufBodies({ core, kind, exchange }: View, items: readonly Item[]): Promise<Uint8Array[]> {
  const turn = createTurn(core.clock);
  const bodies: Uint8Array[] = [];
  for (const item of items) {
    const body = protobufBody(core, kind, item, exchange.user.name);
    bodies.push(body instanceof Promise ? await body : body);
    if (turn.isOver()) await turn.next();
  }
  return bodies;
}

async function renderPartials(view: View, parts: ListParts, metadata: Metadata): Promise<Response> {
  const { kind, form, core } = view;
  const make = (item: Item) => servedMetadata(kind, item, form.asVersion);
  const around = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.asVersion}`, metadata };
  if (form.media === 'protobuf') {
    const type = { apiVersion: around.apiVersion, kind: 'PartialObjectMetadata' };
    const turn = createTurn(core.clock);
    const bodies = await eachInTurns(parts.items, turn, item => core.protobuf.encodeBody(make(item), type));
    const items = core.protobuf.joinItems(bodies);
    const body = core.protobuf.encodeList({ kind: { ...type, kind: around.kind }, metadata, items });
    return { status: 200, headers: headersOf('protobuf'), body };
  }
  return textAnswer(
    view,
    { around, member: 'items', items: parts.items, make },
    { parts, form: `partial ${form.asVersion}` },
  );
}

/** Cells show ages: within a second a table of the same objects is the same. */
const ageStepMs = 1000;

async function renderTable(view: View, parts: ListParts, metadata: Metadata): Promise<Response> {
  const { core, kind, form } = view;
  const { query } = view.exchange.info;
  const { rows: _none, ...around } = tableOf({ core, kind, query, objects: [], metadata, version: form.asVersion });
  const make = (item: Item) => {
    const objects = [servedObject(kind, item)];
    const row = tableOf({ core, kind, query, objects, version: form.asVersion, withoutColumns: true });
    return (row as unknown as { rows: [object] }).rows[0];
  };
  if (form.media === 'protobuf') {
    const rows = await eachInTurns(parts.items, createTurn(core.clock), make);
    return encode(view, { ...around, rows } as unknown as UnknownObject, 200);
  }
  const key = `table ${apiVersionOf(kind)} ${form.asVersion} ${query.get('includeObject') ?? ''}`;
  const stamp = Math.floor(core.clock.now() / ageStepMs);
  return textAnswer(view, { around, member: 'rows', items: parts.items, make }, { parts, form: key, stamp });
}

/** An object with one list in it, which is its last member in JSON. */
interface Listing {
  readonly around: object;
  readonly member: string;
  readonly items: readonly Item[];
  make(item: Item): object;
}

/** As JSON, indented JSON or YAML. With `shared` the items' bytes are remembered as JSON. */
async function textAnswer(
  view: View,
  listing: Listing,
  shared?: { parts: ListParts; form: string; stamp?: number },
): Promise<Response> {
  const turn = createTurn(view.core.clock);
  if (view.form.media === 'yaml') {
    return { status: 200, headers: headersOf('yaml'), body: await yamlBody(listing, turn) };
  }
  const indented = isIndented(view);
  const { around, member } = listing;
  const head = indented ? `${prettyJson(around).slice(0, -2)},\n  "${member}": [` : headOf(around, member);
  const write = () => jsonItems(listing, turn, indented);
  const { pieces } = shared && !indented ? await derive(shared.parts, shared.form, write, shared.stamp) : await write();
  const tail = indented ? `${pieces.length > 0 ? '\n  ' : ''}]\n}\n` : ']}\n';
  return { status: 200, headers: jsonHeaders, body: [Buffer.from(head), ...pieces, Buffer.from(tail)] };
}

/** Large enough to be sent at once, small enough that making it takes a part of a turn. */
const pieceLength = 64 * 1024;

interface Pieces {
  readonly pieces: readonly Uint8Array[];
}

async function jsonItems({ items, make }: Listing, turn: Turn, isIndented: boolean): Promise<Pieces> {
  const separator = isIndented ? '\n    ' : '';
  return inPieces(items, turn, async (item, index) => {
    const before = `${index > 0 ? ',' : ''}${separator}`;
    if (!isIndented) {
      return before + (isLargeItem(item) ? await inTurns(turn, jsonTextSteps(make(item))) : JSON.stringify(make(item)));
    }
    if (isLargeItem(item)) return before + (await inTurns(turn, prettySteps(make(item), '    ')));
    return before + prettyJson(make(item)).replaceAll('\n', separator);
  });
}

async function yamlBody({ around, member, items, make }: Listing, turn: Turn): Promise<Uint8Array[]> {
  const yaml = yamlPieces(around as Record<string, unknown>, member);
  const { pieces } = await inPieces(items, turn, item =>
    isLargeItem(item) ? inTurns(turn, yamlItemSteps(make(item))) : yaml.item(make(item)),
  );
  return [Buffer.from(yaml.head(items.length === 0)), ...pieces, Buffer.from(yaml.tail)];
}

async function inPieces(
  items: readonly Item[],
  turn: Turn,
  write: (item: Item, index: number) => string | Promise<string>,
): Promise<Pieces> {
  const pieces: Uint8Array[] = [];
  let text = '';
  let index = 0;
  for (const item of items) {
    if (isLargeItem(item)) await item.load(turn);
    text += await write(item, index++);
    if (text.length >= pieceLength) {
      pieces.push(Buffer.from(text));
      text = '';
    }
    if (turn.isOver()) await turn.next();
  }
  if (text !== '') pieces.push(Buffer.from(text));
  return { pieces };
}

async function eachInTurns<T>(items: readonly Item[], turn: Turn, make: (item: Item) => T): Promise<T[]> {
  const made: T[] = [];
  for (const item of items) {
    if (isLargeItem(item)) await item.load(turn);
    made.push(make(item));
    if (turn.isOver()) await turn.next();
  }
  return made;
}

const comma = Buffer.from(',{');
const first = Buffer.from('{');
const bareComma = Buffer.from(',');
const end = Buffer.from(']}\n');

/** Shorter lists are not worth remembering. */
const minJoined = 32;

/** Everything of a list before its items. */
function listHead(kind: Kind, metadata: Metadata): Buffer {
  return Buffer.from(headOf({ kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata }, 'items'));
}

function headOf(around: object, member: string): string {
  return `${JSON.stringify(around).slice(0, -1)},"${member}":[`;
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
