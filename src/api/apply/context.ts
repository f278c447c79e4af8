import type { TypeNode } from '../scheme.ts';
import type { ManagedFieldsEntry } from '../types.ts';
import type { FieldSet } from './field-set.ts';
import type { Managed } from './managers.ts';
import type { Shape } from './shapes.ts';

export type Fields = Record<string, unknown>;
export interface ManagedObject extends Fields {
  apiVersion?: unknown;
  kind?: unknown;
  metadata?: Fields & { managedFields?: ManagedFieldsEntry[] };
}

/** Who writes, and how. */
export interface Manager {
  name: string;
  /** Group and version that the client wrote in. */
  apiVersion: string;
  /** Empty for the object itself. */
  subresource: string;
  nowMs: number;
}

/** An object in another version of its kind. */
export interface OtherVersion {
  readonly type: TypeNode;
  convert(object: object): object;
}

/** What the field manager must know beside the objects. */
export interface ManageOptions {
  readonly type: TypeNode;
  readonly manager: Manager;
  /** Fields that this write cannot change (status of the main resource, all else of `status`): nobody comes to own them by it. */
  readonly ignored?: FieldSet | undefined;
  /** Other versions of the kind, in which others have written. Undefined: there is none such any more, and who owned fields in it owns none. */
  versionOf?: ((apiVersion: string) => OtherVersion | undefined) | undefined;
}

export interface Context extends ManageOptions {
  readonly shape: Shape;
  shapeOf(type: TypeNode): Shape;
}

/** Stands for a client that does not name itself. */
const unknownManager = 'unknown';

export function identity(manager: Manager, operation: Managed['operation']): Omit<Managed, 'set' | 'time'> {
  const { name, apiVersion, subresource } = manager;
  return { manager: name || unknownManager, operation, apiVersion, subresource };
}

export interface Version {
  readonly shape: Shape;
  convert(object: object): object;
  /** From this version to the one of the request. */
  back(object: object): object;
}

/** Undefined: there is no such version. */
export function inVersion(apiVersion: string, context: Context): Version | undefined {
  const own = context.manager.apiVersion;
  if (apiVersion === own) return { shape: context.shape, convert: object => object, back: object => object };
  const [there, here] = [context.versionOf?.(apiVersion), context.versionOf?.(own)];
  if (!there || !here) return undefined;
  return { shape: context.shapeOf(there.type), convert: there.convert, back: here.convert };
}
