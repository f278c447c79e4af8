import type { Kind } from '#api';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange.ts';
import type { Item } from '../storage/item.ts';
import { objectKey, storeKey } from '../storage/keys.ts';

/** What one verb is to be done to, and with what. */
export interface Target {
  readonly core: Core;
  readonly exchange: Exchange;
  readonly kind: Kind;
  /** Undefined for cluster-scoped kinds, and for lists over all namespaces. */
  readonly namespace: string | undefined;
  /** Empty for collections. */
  readonly name: string;
  readonly subresource: string;
}

/** `default/web` or `node-1`. */
export function keyOf(target: Target, name = target.name): string {
  return objectKey(target.namespace, name);
}

/** The key in the store. */
export function storeKeyOf(target: Target, name = target.name): string {
  return storeKey(target.kind.storagePrefix, keyOf(target, name));
}

/** A stored object as the target's kind serves it. Rejects when its conversion fails. */
export async function servedItem({ core, kind }: Target, item: Item): Promise<Item> {
  const served = core.versions.serve(kind, [item]);
  return (served instanceof Promise ? await served : served)[0]!;
}
