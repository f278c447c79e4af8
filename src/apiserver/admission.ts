import type { Kind, UnknownObject } from '#api';
import type { Turn } from '#base';
import type { User } from './user.ts';

/** The two rounds of mutation: when something asks for it, all mutating plugins run once more. Source: reinvocationPolicy, KEP-1147's admission part. */
export interface Rounds {
  /** 0, and 1 in the second round. */
  readonly round: 0 | 1;
  /** Asks for the second round; in it, nothing. */
  again(): void;
  /** What plugins remember of the first round, by plugin. */
  readonly memory: Map<string, unknown>;
}

/** Other forms of the object that is written. */
export interface AdmissionCodec {
  /** In another version of its kind; never changes the given one. Throws when there is no way. */
  convert(object: UnknownObject, to: Kind): UnknownObject | Promise<UnknownObject>;
  /** A plain value as an object of the kind, or of the kind of its subresource: its shape checked, unknown fields dropped, defaults filled in. Throws DecodeError. */
  settle(value: unknown, kind: Kind, subresource: string): UnknownObject;
}

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
  /** CreateOptions, UpdateOptions or DeleteOptions as the client sent them; undefined for CONNECT. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** Aborts when the client goes away. */
  readonly signal?: AbortSignal | undefined;
  /** When the request has taken too long, on the clock's monotonic time: nobody is waited for any longer. */
  readonly deadlineMs?: number | undefined;
  readonly rounds?: Rounds | undefined;
  readonly codec?: AdmissionCodec | undefined;
  /** Adds a Warning header. */
  warn(text: string): void;
  /** Adds an annotation to the request's audit event; `level` is the least level at which it is written. Undefined: there is none. */
  readonly annotate?: ((key: string, value: string, level?: 'Metadata' | 'Request') => void) | undefined;
  /** Set for a large object, what is done to which takes as many turns of the event loop as it has steps. */
  readonly turn?: Turn | undefined;
}

/** Plugins run in the order of admission-plugins.ts; each throws a Status (403 mostly) to refuse. */
export interface AdmissionPlugin {
  readonly name: string;
  /** Mutates once, after all rounds of the others: what upstream does when it stores (addresses of services). */
  readonly isLast?: boolean | undefined;
  mutate?(request: AdmissionRequest): void | Promise<void>;
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** Undoes what mutate or validate reserved (quota, addresses) when the write did not happen. Not called for dry runs: those reserve nothing. */
  release?(request: AdmissionRequest): void;
  /** The write happened and the reader shows it. Optional for callers: reservations also end when the reader shows the object. */
  settle?(request: AdmissionRequest): void;
}
