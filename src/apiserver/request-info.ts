import { isTrue } from '#wire';
import { badRequest } from './errors.ts';

/** What a request is about, read from method and path alone (upstream's RequestInfo). */
export interface RequestInfo {
  /** False for /healthz, /version, /openapi, /metrics and discovery. */
  readonly isResource: boolean;
  /** get, list, watch, create, update, patch, delete, deletecollection, empty for other methods; for non-resources the lower-case method; for connect subresources by method as upstream. */
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

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
const namespaceSubresources = ['status', 'finalize'];
const noQuery = new URLSearchParams();

/** Reads method, path and query as upstream's RequestInfoFactory. Throws 400 for a path that is not percent-encoded rightly. */
export function parseRequestInfo(method: string, path: string, search: string): RequestInfo {
  const query = search ? new URLSearchParams(search) : noQuery;
  const parts = splitPath(path);
  const isCore = parts[0] === 'api';
  if (!(isCore && parts.length >= 3) && !(parts[0] === 'apis' && parts.length >= 4)) {
    return { ...nonResource, verb: method.toLowerCase(), path, query };
  }
  const group = isCore ? '' : parts[1]!;
  const version = parts[isCore ? 1 : 2]!;
  let rest = parts.slice(isCore ? 2 : 3);
  // Other methods have no verb, as upstream: a method called `create` must not be one.
  let verb = verbs[method] ?? '';
  if (rest[0] === 'watch' && rest.length > 1) {
    verb = 'watch';
    rest = rest.slice(1);
  }
  let namespace: string | undefined;
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1];
    if (rest.length > 2 && !namespaceSubresources.includes(rest[2]!)) rest = rest.slice(2);
  }
  const [resource = '', named = '', subresource = ''] = rest;
  const name = named || nameInSelector(verb, query);
  if (!named) verb = collectionVerb(verb, query);
  return {
    isResource: true,
    verb,
    path,
    group,
    version,
    namespace,
    resource,
    subresource,
    name,
    rest:
      rest.length > 3 || (rest.length === 3 && path.endsWith('/')) ? restOf(path, parts.length - rest.length + 3) : '',
    query,
  };
}

const nonResource = {
  isResource: false,
  group: '',
  version: '',
  namespace: undefined,
  resource: '',
  subresource: '',
  name: '',
  rest: '',
} as const;

/** Decoded first and cut then, as upstream: an encoded slash is a slash, so that everybody who reads the path reads the same. */
function splitPath(path: string): string[] {
  if (!path.includes('%')) return segmentsOf(path);
  try {
    return segmentsOf(decodeURIComponent(path));
  } catch (cause) {
    throw badRequest(`invalid path ${JSON.stringify(path)}: ${(cause as Error).message}`);
  }
}

function segmentsOf(path: string): string[] {
  const parts: string[] = [];
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) parts.push(path.slice(start, end));
    start = end + 1;
  }
  return parts;
}

function collectionVerb(verb: string, query: URLSearchParams): string {
  if (verb === 'delete') return 'deletecollection';
  if (verb !== 'get') return verb;
  return isTrue(query.get('watch')) ? 'watch' : 'list';
}

/** `metadata.name=x` as a field selector names one object for the authorizer. */
function nameInSelector(verb: string, query: URLSearchParams): string {
  if (verb !== 'get' && verb !== 'watch' && verb !== 'delete') return '';
  const selector = query.get('fieldSelector');
  if (!selector) return '';
  const terms = selector.split(',');
  const term = terms.find(text => /^metadata\.name==?[^=]/.test(text));
  return term ? term.replace(/^metadata\.name==?/, '') : '';
}

/** The end of the path behind its first `skip` segments; undecoded, unless a slash is hidden in those. */
function restOf(path: string, skip: number): string {
  const isHidden = segmentsOf(path)
    .slice(0, skip)
    .some(segment => /%2f/i.test(segment));
  const tail = segmentsOf(isHidden ? decodeURIComponent(path) : path)
    .slice(skip)
    .join('/');
  return `/${tail}${path.endsWith('/') && tail ? '/' : ''}`;
}
