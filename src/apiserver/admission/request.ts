import type { KubeObject } from '#api';
import { type Cause, forbidden, type RefusedResource, type StatusError } from '../access/refuse.ts';
import type { AdmissionRequest } from '../admission.ts';

/** Whether the request is about this resource, and this subresource ('' is the object itself). Versions do not matter. */
export function isAbout(request: AdmissionRequest, resource: RefusedResource, subresource = ''): boolean {
  const { kind } = request;
  return kind.resource === resource.resource && kind.group === resource.group && request.subresource === subresource;
}

/** The object that is written, as the given type. The caller has looked at the kind. Undefined for DELETE. */
export function draftOf<T extends KubeObject>(request: AdmissionRequest): T | undefined {
  return request.object as unknown as T | undefined;
}

export function oldOf<T extends KubeObject>(request: AdmissionRequest): T | undefined {
  return request.old as unknown as T | undefined;
}

/** 403 as upstream's plugins word it: `pods "web-" is forbidden: why`; the name may be the generateName, or Unknown. */
export function refuse(request: AdmissionRequest, why: string, causes: readonly Cause[] = []): StatusError {
  const metadata = request.object?.metadata;
  const name = request.name || metadata?.name || metadata?.generateName || 'Unknown';
  return forbidden(request.kind, name, why, causes);
}

/** Several complaints as Go prints an aggregate: one plain, more in brackets, each once. */
export function aggregate(complaints: readonly string[]): string {
  const unique = [...new Set(complaints)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}

/** Static and mirror pods carry this annotation. */
export const mirrorPodAnnotation = 'kubernetes.io/config.mirror';
