import type { RequestInfo } from './request-info.ts';

/** Built-in versions that upstream has marked as deprecated and serves nevertheless, with what it tells whoever asks for them. */
const deprecations: ReadonlyMap<string, string> = new Map([
  ['/v1/componentstatuses', 'v1 ComponentStatus is deprecated in v1.19+'],
  ['/v1/endpoints', 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
]);

/** The warning for requests of a deprecated version; undefined for all others. */
export function deprecationOf({ group, version, resource }: RequestInfo): string | undefined {
  return deprecations.get(`${group}/${version}/${resource}`);
}
