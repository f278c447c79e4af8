import type { UnknownObject } from '#api';
import { parseJsonSteps } from '#api';
import type { Turn } from '#base';
import { inTurns } from '#base';
import type { VersionedBytes } from './encode.ts';
import { changeRevision, isAsLong, isMadeOf, metadataText, withRevision } from './encode.ts';
import { copyJson } from './json-values.ts';

type Fields = Readonly<Record<string, string>>;
type FieldFunctions = Readonly<Record<string, (object: UnknownObject) => string>>;
const noLabels: Fields = Object.freeze({});

/** What was found out about an item; most have none of it. */
interface Memo {
  parsed?: WeakRef<UnknownObject>;
  labels?: Fields;
  fields?: { functions: FieldFunctions | undefined; values: Fields };
  encoded?: { form: string; bytes: WeakRef<Uint8Array> };
  vainWrite?: Item['vainWrite'];
  settledBy?: object | undefined;
}

/**
 * One object at one revision: its bytes as they are sent, and what selectors ask of it. The parsed form is made when asked for and held weakly; callers
 * share it and never change it. There is one for each object of the cluster, so it has few fields.
 */
export class Item {
  /** `namespace/name` or `name`. */
  readonly key: string;
  readonly revision: number;
  /** The bytes, and others around them where many items were read at once. */
  readonly #memory: Buffer;
  readonly #start: number;
  readonly #length: number;
  readonly #metadataStart: number;
  readonly #tailStart: number;
  #apiVersion: string | undefined;
  #memo: Memo | undefined;

  constructor(key: string, revision: number, { bytes, metadataStart, tailStart }: VersionedBytes, place?: Place) {
    this.key = key;
    this.revision = revision;
    this.#memory = place?.memory ?? bytes;
    this.#start = place?.start ?? 0;
    this.#length = bytes.length;
    this.#metadataStart = metadataStart;
    this.#tailStart = tailStart;
  }

  /** Empty for cluster-scoped objects. */
  get namespace(): string {
    const slash = this.key.indexOf('/');
    return slash < 0 ? '' : this.key.slice(0, slash);
  }

  get name(): string {
    return this.key.slice(this.key.indexOf('/') + 1);
  }

  /** Of the stored form, read from the head of the bytes. */
  get apiVersion(): string {
    this.#apiVersion ??= apiVersionAt(this.#versioned);
    return this.#apiVersion;
  }

  /** Whether it is stored in this version. Items that are asked share the text of the question. */
  isOf(apiVersion: string): boolean {
    if (this.#apiVersion === undefined && apiVersionAt(this.#versioned) === apiVersion) this.#apiVersion = apiVersion;
    return this.apiVersion === apiVersion;
  }

  /** A write that is known to change nothing of this object, as long as its kind is this one; see `verbs/apply.ts`. */
  get vainWrite(): { readonly kind: object; readonly name: string } | undefined {
    return this.#memo?.vainWrite;
  }

  set vainWrite(write: { readonly kind: object; readonly name: string } | undefined) {
    this.#remembered.vainWrite = write;
  }

  /** The kind that the object was written as: by its rules of now it is as it should be. */
  get settledBy(): object | undefined {
    return this.#memo?.settledBy;
  }

  set settledBy(kind: object | undefined) {
    this.#remembered.settledBy = kind;
  }

  /** From what the store holds. */
  static stored(key: string, revision: number, value: Uint8Array): Item {
    return new Item(key, revision, withRevision(value, revision));
  }

  get #remembered(): Memo {
    this.#memo ??= {};
    return this.#memo;
  }

  get #versioned(): VersionedBytes {
    return { bytes: this.bytes, metadataStart: this.#metadataStart, tailStart: this.#tailStart };
  }

  /** The whole object with kind and apiVersion, as GET sends it. */
  get bytes(): Buffer {
    const memory = this.#memory;
    return memory.length === this.#length ? memory : memory.subarray(this.#start, this.#start + this.#length);
  }

  /** Length of `bytes`. */
  get length(): number {
    return this.#length;
  }

  /** The object from `"metadata"` on, without its opening brace, kind and apiVersion: what stands in a list, as upstream. */
  get listBytes(): Buffer {
    return this.#memory.subarray(this.#start + this.#metadataStart, this.#start + this.#length);
  }

  /** Parsed. Shared: never change it. */
  object(): UnknownObject {
    const known = this.#memo?.parsed?.deref();
    if (known) return known;
    const object = JSON.parse(this.bytes.toString()) as UnknownObject;
    this.remember(object);
    return object;
  }

  /** The object's metadata, without parsing all of it. Shared: never change it. */
  metadata(): UnknownObject['metadata'] {
    return (
      this.#memo?.parsed?.deref()?.metadata ?? (JSON.parse(metadataText(this.#versioned)) as UnknownObject['metadata'])
    );
  }

  /** As `copy`, in as many turns as it takes: for large objects. */
  async copyInTurns(turn: Turn): Promise<UnknownObject> {
    return (await inTurns(turn, parseJsonSteps(this.bytes.toString()))) as UnknownObject;
  }

  /** Makes `object` quick for as long as somebody has what this resolves with. */
  async load(turn: Turn): Promise<UnknownObject> {
    const known = this.#memo?.parsed?.deref() ?? (await this.copyInTurns(turn));
    this.remember(known);
    return known;
  }

  /** A parsed copy that belongs to the caller. */
  copy(): UnknownObject {
    const known = this.#memo?.parsed?.deref();
    const copy = known && copyJson(known);
    if (copy) return copy;
    return JSON.parse(this.bytes.toString()) as UnknownObject;
  }

  /** Saves a later parse when the writer has the object at hand (complete, with its resourceVersion). */
  remember(object: UnknownObject): void {
    const memo = this.#remembered;
    memo.parsed = new WeakRef(object);
    memo.labels ??= object.metadata.labels ?? noLabels;
  }

  get labels(): Fields {
    if (!this.#memo?.labels) this.object();
    return this.#memo?.labels ?? noLabels;
  }

  /** Values that field selectors see, by the kind's functions over the object in the kind's version (`view`). Computed once for each version in a row. */
  fields(functions: FieldFunctions | undefined, view: (object: UnknownObject) => UnknownObject): Fields {
    const known = this.#memo?.fields;
    if (known && known.functions === functions) return known.values;
    const values: Record<string, string> = { 'metadata.name': this.name, 'metadata.namespace': this.namespace };
    const object = functions && view(this.object());
    for (const path in functions) values[path] = functions[path]!(object!);
    this.#remembered.fields = { functions, values };
    return values;
  }

  /** Whether the object is what these bytes (of encodeObject) say. False says nothing: members may stand in another order. */
  holds(stored: Buffer): boolean {
    return isMadeOf(this.#versioned, stored);
  }

  /** False: the bytes are of another object. True says nothing. */
  isAsLongAs(stored: Buffer): boolean {
    return isAsLong(this.#versioned, stored);
  }

  /** The object in another encoding, made when asked for and held weakly: one at a time. `form` names encoding and version. */
  encoded(form: string, make: () => Uint8Array): Uint8Array {
    const known = this.known(form);
    if (known) return known;
    const bytes = make();
    this.#remembered.encoded = { form, bytes: new WeakRef(bytes) };
    return bytes;
  }

  /** What `encoded` gave, if that is still there. */
  known(form: string): Uint8Array | undefined {
    const { encoded } = this.#memo ?? {};
    return encoded?.form === form ? encoded.bytes.deref() : undefined;
  }

  /** The same object under the revision of its deletion. */
  at(revision: number): Item {
    const item = new Item(this.key, revision, changeRevision(this.#versioned, revision));
    const parsed = this.#memo?.parsed?.deref();
    if (parsed) item.remember({ ...parsed, metadata: { ...parsed.metadata, resourceVersion: String(revision) } });
    return item;
  }
}

/** Where bytes stand that were put together with those of other items. */
export interface Place {
  readonly memory: Buffer;
  readonly start: number;
}

const apiVersionMark = '"apiVersion":"';

/** Heads are alike: `{"kind":"Pod","apiVersion":"v1","metadata"...`. */
function apiVersionAt({ bytes, metadataStart }: VersionedBytes): string {
  const start = bytes.indexOf(apiVersionMark) + apiVersionMark.length;
  return bytes.toString('latin1', start, metadataStart - 2);
}
