import type { Kind, ScalePaths, UnknownObject } from '#api';
import { custom, isCustomKind } from '#api';
import { badRequest, internalError } from '../errors.ts';

/** Where a custom resource has what its `scale` shows; undefined for built-in kinds, which all have it at the same places. */
export function scalePathsOf(kind: Kind): ScalePaths | undefined {
  return isCustomKind(kind) ? kind.custom.scale : undefined;
}

/** What a Scale says of a custom resource. Throws 500 for values of a wrong type, which validation lets nobody write. */
export function readScale(
  object: UnknownObject,
  paths: ScalePaths,
): { replicas: number | undefined; status: number; selector: string } {
  const selector = paths.labelSelector === undefined ? undefined : custom.valueAt(object, paths.labelSelector);
  return {
    replicas: integerAt(object, paths.specReplicas),
    status: integerAt(object, paths.statusReplicas) ?? 0,
    selector: typeof selector === 'string' ? selector : '',
  };
}

function integerAt(object: UnknownObject, path: string): number | undefined {
  const value = custom.valueAt(object, path);
  if (value === undefined || value === null || typeof value === 'number') return value ?? undefined;
  throw internalError(`.${path} accessor error: ${JSON.stringify(value)} is not of the type int64`);
}

/** Throws 500 when there is no number to show, as upstream. */
export function requireReplicas(object: UnknownObject, paths: ScalePaths): void {
  if (readScale(object, paths).replicas !== undefined) return;
  throw internalError(`the spec replicas field ".${paths.specReplicas}" does not exist`);
}

/** Sets the number, in place; what is missing above it is made. Throws 400 without a number. */
export function writeReplicas(draft: UnknownObject, paths: ScalePaths, replicas: number | undefined): void {
  if (replicas === undefined) throw badRequest(`the spec replicas field ".${paths.specReplicas}" cannot be empty`);
  const names = paths.specReplicas.split('.');
  let place: Record<string, unknown> = draft;
  for (const name of names.slice(0, -1)) {
    const inner = place[name];
    place[name] = typeof inner === 'object' && inner !== null ? { ...inner } : {};
    place = place[name] as Record<string, unknown>;
  }
  place[names.at(-1)!] = replicas;
}

/** The path in field sets: `['f:spec', 'f:replicas']`. */
export function replicasFieldPath(kind: Kind): readonly string[] | undefined {
  const paths = scalePathsOf(kind);
  if (paths) return paths.specReplicas.split('.').map(name => `f:${name}`);
  return isCustomKind(kind) ? undefined : builtInPath;
}

const builtInPath: readonly string[] = ['f:spec', 'f:replicas'];
