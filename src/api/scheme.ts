import type { FieldError, KindBehaviour } from './kind.ts';
import type { KubeObject, Resource, UnknownObject } from './resource.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface Subresource {
  /** `status`, `scale`, `token`, ... */
  readonly name: string;
  readonly verbs: readonly Verb[];
  /** What its body is; for `connect` subresources (exec, log, proxy) the options kind. */
  readonly kind: { group: string; version: string; kind: string };
  /** True for exec, attach, portforward, proxy: any method, no object. */
  readonly connect: boolean;
}

/** Everything the server must know of one served resource: built-in ones from the tables and src/api/kinds, custom ones from their CRD. */
export interface Kind<T extends KubeObject = UnknownObject> extends Resource<T> {
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  readonly subresources: ReadonlyMap<string, Subresource>;
  /** The root of its shape. */
  readonly type: TypeNode;
  readonly behaviour: KindBehaviour<T>;
  /** Where it is stored: group and version may differ from the served ones (`/registry/<storagePrefix>/<namespace>/<name>`). */
  readonly storagePrefix: string;
}

/** Shape of a value: the tables' types and CRD schemas both become this; checks, defaults, merges, apply and OpenAPI walk it. */
export interface TypeNode {
  readonly kind:
    | 'string'
    | 'integer'
    | 'number'
    | 'boolean'
    | 'object'
    | 'list'
    | 'map'
    | 'any'
    | 'int-or-string'
    | 'quantity'
    | 'time'
    | 'microtime'
    | 'bytes';
  /** Name in the tables (`io.k8s.api.core.v1.Pod`), for messages and $ref. */
  readonly name?: string;
  /** For objects. */
  readonly fields?: ReadonlyMap<string, FieldNode>;
  /** For lists and maps: what is inside. */
  readonly items?: TypeNode;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  /** Objects: fields not listed are kept (x-kubernetes-preserve-unknown-fields, RawExtension). */
  readonly preserveUnknown?: boolean;
  readonly format?: string;
  /**
   * The root of a custom resource: takes out what its schema does not have, in place. Types below it are judged by validation (422), not where the
   * body is decoded, and nulls stay until defaults are filled in.
   */
  readonly prune?: (object: Record<string, unknown>, onUnknown: (path: string) => void) => void;
}

export interface FieldNode {
  readonly type: TypeNode;
  readonly required: boolean;
  /** An empty list or map is left out, as Go's encoding does (omitempty): there it is the same as none. */
  readonly omitEmpty?: boolean;
  /** A scalar whose zero (`''`, 0, false) is left out, for the same reason. */
  readonly omitZero?: boolean;
  /** A struct that is no pointer in Go: where the object around it is, it is too, if only empty. */
  readonly isStruct?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  /** Strategic merge patch. */
  readonly patchStrategy?: string;
  readonly mergeKey?: string;
  /** List semantics may be given on the field instead of on its type. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
}

/** All kinds that a server knows. Immutable; adding CRDs makes a new one. */
export interface Scheme {
  kinds(): readonly Kind[];
  byResource(group: string, version: string, resource: string): Kind | undefined;
  byKind(group: string, version: string, kind: string): Kind | undefined;
  /** The type of any kind, also of those that are not resources (DeleteOptions, Scale, TokenRequest, Eviction, Binding). */
  typeOf(group: string, version: string, kind: string): TypeNode | undefined;
}

export type { FieldError };
