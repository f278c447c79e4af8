import { createHash } from 'node:crypto';
import type { Scheme } from '#api';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from '#api';
import type { Response } from '#wire';
import type { DiscoveryMerge } from '../aggregation/index.ts';
import { jsonHeaders } from '../content/answer.ts';
import { methodNotAllowed } from '../errors.ts';
import type { Exchange } from '../exchange.ts';

export interface DiscoveryParts {
  readonly scheme: () => Scheme;
  /** `10.0.0.1:6443`: told to clients that ask GET /api. */
  readonly address: string;
  /** What other servers serve. */
  readonly merge?: DiscoveryMerge | undefined;
}

interface Document {
  readonly body: Uint8Array;
  readonly etag: string;
}

/** Answers GET of /api, /apis and what is below them that is no resource. Documents are made once for each scheme. */
export function createDiscovery(parts: DiscoveryParts): (exchange: Exchange) => Response | undefined {
  const { merge } = parts;
  let made: { scheme: Scheme; generation: string; documents: Map<string, Document | undefined> } | undefined;
  const documentOf = (key: string, make: (scheme: Scheme) => Record<string, unknown> | undefined) => {
    const scheme = parts.scheme();
    const generation = merge?.generation() ?? '';
    if (made?.scheme !== scheme || made.generation !== generation) made = { scheme, generation, documents: new Map() };
    const known = made.documents.get(key);
    if (known) return known;
    const value = make(scheme);
    // Unknown names are not remembered: there is no end of them.
    const document = value && toDocument(value);
    if (document) made.documents.set(key, document);
    return document;
  };
  return exchange => {
    const { info, request } = exchange;
    const [root, group, version, ...rest] = info.path.split('/').filter(Boolean);
    if ((root !== 'api' && root !== 'apis') || rest.length > 0) return undefined;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const aggregated = group === undefined ? aggregatedVersion(request.headers['accept']) : undefined;
    if (aggregated && isRead) {
      const document = documentOf(`${root} ${aggregated}`, scheme => {
        const own = aggregatedDiscovery(scheme, root);
        const all = root === 'apis' && merge ? merge.aggregated(own, scheme) : own;
        return { ...all, apiVersion: `apidiscovery.k8s.io/${aggregated}` };
      });
      exchange.isServed = true;
      return answerAggregated(document!, aggregated, request.headers['if-none-match']);
    }
    const document = documentOf(info.path, scheme => plainDocument(scheme, { root, group, version, parts }));
    if (!document) return undefined;
    exchange.isServed = true;
    if (!isRead) throw methodNotAllowed();
    return { status: 200, headers: { ...jsonHeaders, vary: 'Accept' }, body: document.body };
  };
}

function plainDocument(
  scheme: Scheme,
  path: { root: string; group: string | undefined; version: string | undefined; parts: DiscoveryParts },
) {
  const { root, group, version } = path;
  const { merge } = path.parts;
  if (root === 'api') {
    if (version !== undefined) return undefined;
    return group === undefined ? apiVersions(path.parts.address) : apiResourceList(scheme, '', group);
  }
  if (group === undefined) return merge ? merge.groupList(apiGroupList(scheme), scheme) : apiGroupList(scheme);
  if (version !== undefined) return apiResourceList(scheme, group, version);
  return merge ? merge.group(group, apiGroup(scheme, group), scheme) : apiGroup(scheme, group);
}

/** The version of apidiscovery.k8s.io that the client wants most; undefined: it wants the plain documents. */
function aggregatedVersion(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const clause of (accept ?? '').split(',')) {
    if (!clause.includes('as=APIGroupDiscoveryList') || !clause.includes('g=apidiscovery.k8s.io')) {
      if (/^\s*(application\/json|\*\/\*)\s*(;q=[\d.]+)?\s*$/.test(clause)) return undefined;
      continue;
    }
    if (/;v=v2(;|$|\s)/.test(clause.trim())) return 'v2';
    if (clause.includes('v=v2beta1')) return 'v2beta1';
  }
  return undefined;
}

function answerAggregated(document: Document, version: string, ifNoneMatch: string | undefined): Response {
  const headers = {
    ...jsonHeaders,
    'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    etag: document.etag,
    vary: 'Accept',
    'cache-control': 'public',
  };
  if (ifNoneMatch === document.etag) return { status: 304, headers };
  return { status: 200, headers, body: document.body };
}

function toDocument(value: Record<string, unknown>): Document {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  const etag = `"${createHash('sha512').update(body).digest('hex').slice(0, 128).toUpperCase()}"`;
  return { body, etag };
}
