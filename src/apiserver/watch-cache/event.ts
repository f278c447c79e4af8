import type { Item } from '../storage/item.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One change of one object. What watchers are sent is encoded once and shared by all of them. */
export class CacheEvent {
  readonly revision: number;
  readonly key: string;
  /** What the object is now; undefined: deleted. */
  readonly item: Item | undefined;
  /** What it was before; undefined: created. */
  readonly previous: Item | undefined;
  /** When it came, for the ring's bound. */
  readonly timeMs: number;
  #deleted: Item | undefined;
  #frames: Map<string, unknown> | undefined;

  constructor(change: {
    revision: number;
    key: string;
    item: Item | undefined;
    previous: Item | undefined;
    timeMs: number;
  }) {
    this.revision = change.revision;
    this.key = change.key;
    this.item = change.item;
    this.previous = change.previous;
    this.timeMs = change.timeMs;
  }

  /** What an event of the given type shows: the new object, or for DELETED the old one under the new revision. */
  shown(type: EventType): Item {
    if (type !== 'DELETED') return this.item!;
    this.#deleted ??= this.previous!.at(this.revision);
    return this.#deleted;
  }

  /** The event in one encoding, made at the first call. `form` names encoding and version, and with them the type of what `make` makes. */
  frame<F>(type: EventType, form: string, make: (type: EventType, item: Item) => F): F {
    this.#frames ??= new Map();
    const key = form + type;
    let frame = this.#frames.get(key) as F | undefined;
    if (!frame) {
      frame = make(type, this.shown(type));
      this.#frames.set(key, frame);
    }
    return frame;
  }

  /** About what the event keeps alive. */
  get sizeBytes(): number {
    return (this.item?.length ?? 0) + (this.previous?.length ?? 0);
  }
}
