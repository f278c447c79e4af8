import go from './tables/go.json' with { type: 'json' };
import resources from './tables/resources.json' with { type: 'json' };
import types from './tables/types.json' with { type: 'json' };

/** One field of the types table: type and extras. */
export type FieldEntry = readonly [type: string, extras?: FieldExtras];

export interface FieldExtras {
  readonly required?: boolean;
  readonly default?: unknown;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly mergeKey?: string;
  readonly patchStrategy?: string;
  readonly enum?: readonly string[];
}

export interface TypeEntry {
  readonly fields?: Readonly<Record<string, FieldEntry>>;
  /** `apps/v1 Deployment`; `/v1 Pod` for the core group. */
  readonly gvk?: string;
  readonly alias?: string;
  readonly mapType?: 'atomic' | 'granular';
}

export interface ResourceEntry {
  readonly kind: string;
  readonly namespaced: boolean;
  /** Table words: get, list, post, put, patch, delete, deletecollection. */
  readonly verbs: readonly string[];
  readonly sub: Readonly<Record<string, { readonly actions: readonly string[]; readonly kind: string }>>;
}

/** What OpenAPI does not tell of a Go type. */
export interface GoEntry {
  /** Scalar fields that are no pointers and have omitempty: their zero is left out. */
  readonly omit?: readonly string[];
  /** Fields that are structs and no pointers: they are always there. */
  readonly struct?: readonly string[];
}

export const goTable = go as unknown as Readonly<Record<string, GoEntry>>;
export const typeTable = types as unknown as Readonly<Record<string, TypeEntry>>;
export const resourceTable = resources as unknown as Readonly<Record<string, ResourceEntry>>;
