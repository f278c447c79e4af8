import type { Kind, UnknownObject } from '#api';
import type { User } from './user.ts';

/** One write on its way in, after decoding and defaulting, before validation. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly kind: Kind;
  readonly subresource: string;
  readonly namespace: string | undefined;
  /** Empty for a create with generateName. */
  readonly name: string;
  readonly user: User;
  readonly dryRun: boolean;
  /** The new object, which mutate may change; undefined for DELETE. For subresources with another kind (Eviction, Binding, TokenRequest) that object. */
  object: UnknownObject | undefined;
  readonly old: UnknownObject | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  /** Adds a Warning header. */
  warn(text: string): void;
}

/** Plugins run in the order of admission-plugins.ts; each throws a Status (403 mostly) to refuse. */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(request: AdmissionRequest): void | Promise<void>;
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** Undoes what mutate or validate reserved (quota, addresses) when the write did not happen. Not called for dry runs: those reserve nothing. */
  release?(request: AdmissionRequest): void;
  /** The write happened and the reader shows it. Optional for callers: reservations also end when the reader shows the object. */
  settle?(request: AdmissionRequest): void;
}
