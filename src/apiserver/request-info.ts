/** What a request is about, read from method and path alone (upstream's RequestInfo). */
export interface RequestInfo {
  /** False for /healthz, /version, /openapi, /metrics and discovery. */
  readonly isResource: boolean;
  /** get, list, watch, create, update, patch, delete, deletecollection; for non-resources the lower-case method; for connect subresources by method as upstream. */
  readonly verb: string;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows a proxy subresource: path inside the target, with leading slash; empty otherwise. */
  readonly rest: string;
  readonly query: URLSearchParams;
}
