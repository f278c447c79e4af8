import type { Pace } from './pace.ts';
import type { KubeObject } from './resource.ts';

/** One thing that is wrong with an object: becomes a cause of a 422 Status. */
export interface FieldError {
  /** Upstream's reason: FieldValueRequired, FieldValueInvalid, FieldValueNotSupported, FieldValueDuplicate, FieldValueForbidden, FieldValueTooLong, FieldValueTooMany, FieldValueNotFound, FieldValueTypeInvalid, InternalError. */
  reason: string;
  /** `spec.containers[0].name`. */
  field: string;
  /** Upstream's text with its leading type, as kubectl shows it: `Invalid value: "x": must be ...`. */
  message: string;
}

/** A column of `kubectl get`. */
export interface Column<T> {
  name: string;
  /** OpenAPI type: string, integer, number, boolean, date. */
  type: string;
  format?: string;
  /** 0: always; 1: only with -o wide. */
  priority: 0 | 1;
  description: string;
  /** The cell; `nowMs` for ages. */
  value(object: T, nowMs: number): string | number | boolean | null;
}

/** What behaviour functions may ask of the world: the time, and who is writing. */
export interface KindContext {
  nowMs: number;
  /** Absent where nobody asked: objects that the server itself makes. */
  user?: KindUser | undefined;
}

/** Who makes the request, as far as an object may say so. */
export interface KindUser {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/**
 * What makes a kind special: everything that is not in the tables. All functions are pure but for the draft they are given, which they may change in
 * place. `draft` is complete JSON of the right shape (shape checks come before). Missing members mean "as the tables say".
 */
export interface KindBehaviour<T extends KubeObject> {
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** Default: lower-case kind. */
  singular?: string;
  /** Plural names differ between namespaces or not; only for the rule that names must obey: default `subdomain` (RFC 1123 subdomain). */
  nameRule?: 'subdomain' | 'label' | 'label1035' | 'path';
  /** Fills in what the user left out, as upstream's v1/defaults.go. Runs on every decode (writes and reads of old data). */
  defaults?(draft: T): void;
  /** Before a create: drops what a user may not set (status), sets generation 1 where upstream does. */
  prepareCreate?(draft: T, context: KindContext): void;
  /** Before an update of the main resource: keeps status, raises generation when spec changed. */
  prepareUpdate?(draft: T, old: T, context: KindContext): void;
  /** Before an update of `status` (or another subresource): keeps all but that part. Default for `status`: everything but status and managedFields from old. */
  prepareSubresource?(draft: T, old: T, subresource: string, context: KindContext): void;
  /** Before the first deletion: what has to be done before the object may go is written into `draft` (a finalizer), and the deletion itself. */
  prepareDelete?(draft: T, context: KindContext): void;
  /** What a client can make long asks `pace`, which throws TooLong: then the object is judged anew elsewhere, without it. */
  validateCreate?(object: T, pace?: Pace): FieldError[];
  validateUpdate?(object: T, old: T, pace?: Pace): FieldError[];
  validateSubresource?(object: T, old: T, subresource: string, pace?: Pace): FieldError[];
  /** Warnings (HTTP Warning header) for deprecated or dubious content, upstream's texts. */
  warnings?(object: T, old: T | undefined): string[];
  /** Default: Name and Age. The Name column is written out. */
  columns?: readonly Column<T>[];
  /** Beside metadata.name and metadata.namespace. */
  selectableFields?: Record<string, (object: T) => string>;
  /** Finalizers of deletion rules: `graceful` kinds get deletionTimestamp and wait (pods); default immediate. */
  graceful?(object: T, requestedSeconds: number | undefined): number;
  /** True: an update of an object that does not exist creates it (leases, events, endpoints, roles...). */
  createOnUpdate?: boolean;
  /** True: an update without resourceVersion is allowed (most kinds). Default true. */
  unconditionalUpdate?: boolean;
  /** Kept in the volatile keyspace (events, node leases). */
  volatile?(object: T): boolean;
}
