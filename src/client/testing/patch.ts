import { isDeepStrictEqual } from 'node:util';
import { applyJsonPatch, applyMergePatch } from '#api';
import type { Patch } from '../client.ts';

type Tree = Record<string, unknown>;

/** Lists that strategic merge and apply merge by a key; all others are replaced. Enough for what components patch. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  containerStatuses: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  ownerReferences: 'uid',
  addresses: 'type',
  imagePullSecrets: 'name',
};

/** The object after the patch; the argument is left as it was. */
export function patched(object: object, { type, body }: Pick<Patch, 'type' | 'body'>): unknown {
  if (type === 'json') return applyJsonPatch(object, body);
  if (type === 'merge') return applyMergePatch(object, body);
  return merge(structuredClone(object), structuredClone(body));
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  const result: Tree = isTree(target) ? target : {};
  for (const [name, value] of Object.entries(patch)) {
    const key = mergeKeys[name];
    if (value === null) delete result[name];
    else if (name === '$patch' || name.startsWith('$setElementOrder') || name === '$retainKeys') continue;
    else if (name.startsWith('$deleteFromPrimitiveList/')) {
      const field = name.slice(name.indexOf('/') + 1);
      result[field] = asList(result[field]).filter(item => !asList(value).includes(item));
    } else if (name === 'finalizers') {
      result[name] = [...new Set([...asList(result[name]), ...asList(value)])];
    } else if (key && Array.isArray(value)) result[name] = mergeList(asList(result[name]), value, key);
    else result[name] = merge(result[name], value);
  }
  return result;
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function mergeList(target: unknown[], patch: unknown[], key: string): unknown[] {
  const result = [...target];
  for (const item of patch as Tree[]) {
    const at = result.findIndex(other => isDeepStrictEqual((other as Tree)[key], item[key]));
    if (item['$patch'] === 'delete') {
      if (at >= 0) result.splice(at, 1);
    } else if (at >= 0) result[at] = merge(result[at], item);
    else result.push(merge({}, item));
  }
  return result;
}
