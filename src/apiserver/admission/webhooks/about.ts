import type { Kind } from '#api';
import type { AdmissionRequest } from '../../admission.ts';

/** What a request is about, in the terms of rules and reviews. */
export interface About {
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
}

/** Of the resource in one of its versions; a subresource has a kind of its own (Scale, Eviction, PodExecOptions). */
export function aboutOf(kind: Kind, subresource: string): About {
  const { group, version, resource } = kind;
  const own = subresource ? kind.subresources?.get(subresource)?.kind : undefined;
  return {
    resource: { group, version, resource },
    // `status` and the like have the kind of the object, which tables may leave out.
    kind: own?.kind ? own : { group, version, kind: kind.kind },
  };
}

/** As upstream's attributes: that of a namespace is its own name. */
export function namespaceOf(request: AdmissionRequest): string {
  if (request.namespace) return request.namespace;
  return isNamespaces(request) ? nameOf(request) : '';
}

export function isNamespaces({ kind }: AdmissionRequest): boolean {
  return kind.group === '' && kind.resource === 'namespaces';
}

/** Validating webhooks hear a generated name, mutating ones are asked before there is one. */
export function nameOf(request: AdmissionRequest): string {
  return request.name || request.object?.metadata?.name || '';
}
