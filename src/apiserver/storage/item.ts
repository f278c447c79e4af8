import type { UnknownObject } from '#api';
import { parseJsonSteps } from '#api';
import type { Turn } from '#base';
import { inTurns } from '#base';
import type { VersionedBytes } from './encode.ts';
import { changeRevision, isAsLong, isMadeOf, withRevision } from './encode.ts';

type Fields = Readonly<Record<string, string>>;
type FieldFunctions = Readonly<Record<string, (object: UnknownObject) => string>>;
const noLabels: Fields = Object.freeze({});

/**
 * One object at one revision: its bytes as they are sent, and what selectors ask of it. The parsed form is made when asked for and held weakly; callers
 * share it and never change it.
 */
export class Item {
  /** `namespace/name` or `name`. */
  readonly key: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly #versioned: VersionedBytes;
  #parsed: WeakRef<UnknownObject> | undefined;
  #labels: Fields | undefined;
  #apiVersion: string | undefined;
  #fields: { functions: FieldFunctions | undefined; values: Fields } | undefined;
  /** A write that is known to change nothing of this object, as long as its kind is this one; see `verbs/apply.ts`. */
  vainWrite: { readonly kind: object; readonly name: string } | undefined;
  /** The kind that the object was written as: by its rules of now it is as it should be. */
  settledBy: object | undefined;
  #encoded: { form: string; bytes: WeakRef<Uint8Array> } | undefined;

  constructor(key: string, revision: number, versioned: VersionedBytes) {
    const slash = key.indexOf('/');
    this.key = key;
    this.namespace = slash < 0 ? '' : key.slice(0, slash);
    this.name = key.slice(slash + 1);
    this.revision = revision;
    this.#versioned = versioned;
  }

  /** Of the stored form, read from the head of the bytes. */
  get apiVersion(): string {
    this.#apiVersion ??= apiVersionAt(this.#versioned);
    return this.#apiVersion;
  }

  /** From what the store holds. */
  static stored(key: string, revision: number, value: Uint8Array): Item {
    return new Item(key, revision, withRevision(value, revision));
  }

  /** The whole object with kind and apiVersion, as GET sends it. */
  get bytes(): Buffer {
    return this.#versioned.bytes;
  }

  /** The object from `"metadata"` on, without its opening brace, kind and apiVersion: what stands in a list, as upstream. */
  get listBytes(): Buffer {
    return this.#versioned.bytes.subarray(this.#versioned.metadataStart);
  }

  /** Parsed. Shared: never change it. */
  object(): UnknownObject {
    const known = this.#parsed?.deref();
    if (known) return known;
    const object = JSON.parse(this.bytes.toString()) as UnknownObject;
    this.remember(object);
    return object;
  }

  /** As `copy`, in as many turns as it takes: for large objects. */
  async copyInTurns(turn: Turn): Promise<UnknownObject> {
    return (await inTurns(turn, parseJsonSteps(this.bytes.toString()))) as UnknownObject;
  }

  /** Makes `object` quick for as long as somebody has what this resolves with. */
  async load(turn: Turn): Promise<UnknownObject> {
    const known = this.#parsed?.deref() ?? (await this.copyInTurns(turn));
    this.remember(known);
    return known;
  }

  /** A parsed copy that belongs to the caller. */
  copy(): UnknownObject {
    return JSON.parse(this.bytes.toString()) as UnknownObject;
  }

  /** Saves a later parse when the writer has the object at hand (complete, with its resourceVersion). */
  remember(object: UnknownObject): void {
    this.#parsed = new WeakRef(object);
    this.#labels ??= object.metadata.labels ?? noLabels;
  }

  get labels(): Fields {
    if (!this.#labels) this.object();
    return this.#labels ?? noLabels;
  }

  /** Values that field selectors see, by the kind's functions over the object in the kind's version (`view`). Computed once for each version in a row. */
  fields(functions: FieldFunctions | undefined, view: (object: UnknownObject) => UnknownObject): Fields {
    if (this.#fields && this.#fields.functions === functions) return this.#fields.values;
    const values: Record<string, string> = { 'metadata.name': this.name, 'metadata.namespace': this.namespace };
    const object = functions && view(this.object());
    for (const path in functions) values[path] = functions[path]!(object!);
    this.#fields = { functions, values };
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
    const known = this.#encoded?.form === form ? this.#encoded.bytes.deref() : undefined;
    if (known) return known;
    const bytes = make();
    this.#encoded = { form, bytes: new WeakRef(bytes) };
    return bytes;
  }

  /** The same object under the revision of its deletion. */
  at(revision: number): Item {
    return new Item(this.key, revision, changeRevision(this.#versioned, revision));
  }
}

const apiVersionMark = '"apiVersion":"';

/** Heads are alike (`{"kind":"Pod","apiVersion":"v1","metadata"...`), so this is cheaper than to keep a string for each object. */
function apiVersionAt({ bytes, metadataStart }: VersionedBytes): string {
  const start = bytes.indexOf(apiVersionMark) + apiVersionMark.length;
  return bytes.toString('latin1', start, metadataStart - 2);
}
