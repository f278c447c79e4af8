/** What a client may send that is as bad as it gets within the limits of bodies, costs and lists. */
import type { Call } from './fixture.ts';

/** One bad input: what must be there before, and the request that is measured. */
export interface StallCase {
  readonly name: string;
  /** Sent one after the other beforehand; they must succeed. */
  readonly before?: readonly Call[];
  /** Paths that must answer 200 before it goes on. */
  readonly ready?: string;
  /** Sent before every try, so that nothing which a try before it left behind makes this one easier; they must succeed. */
  readonly change?: (attempt: number) => readonly Call[];
  /** The path of an object that is read before every try, for `call` to change. */
  readonly find?: string;
  /** A function: of the number of the try, where the same once more would change nothing. */
  readonly call: Call | ((attempt: number, found: unknown) => Call);
  /** Status codes that are right. */
  readonly status: number | readonly number[];
}

export const json = { 'content-type': 'application/json' };
export const group = 'stall.example.com';

export function post(path: string, object: object, headers: Record<string, string> = json): Call {
  return { method: 'POST', path, headers, body: JSON.stringify(object) };
}

export function patch(path: string, type: string, body: string): Call {
  return { method: 'PATCH', path, headers: { 'content-type': type }, body };
}

/** A cluster-scoped kind with the given schema of `spec`. */
export function definition(plural: string, spec: object, more: object = {}): object {
  const kind = plural[0]!.toUpperCase() + plural.slice(1);
  const properties = { spec };
  const schema = { openAPIV3Schema: { type: 'object', properties } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema, ...more }],
    },
  };
}

export const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export function customPath(plural: string): string {
  return `/apis/${group}/v1/${plural}`;
}

export function custom(plural: string, spec: unknown, name = 'one'): Call {
  const kind = plural[0]!.toUpperCase() + plural.slice(1);
  return post(customPath(plural), { apiVersion: `${group}/v1`, kind, metadata: { name }, spec });
}

/** A kind that keeps whatever is in it. */
export const openSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
export const integers = (maxItems: number) => ({ type: 'array', maxItems, items: { type: 'integer' } });
export const texts = (maxItems: number, maxLength: number) => ({
  type: 'array',
  maxItems,
  items: { type: 'string', maxLength },
});
export const text = (maxLength: number) => ({ type: 'string', maxLength });
export const times = <T>(count: number, make: (index: number) => T): T[] => numbers(count).map(make);

/** Fields enough for a body of about `bytes`. */
export function many(bytes: number, text = 'some text here'): Record<string, string> {
  return Object.fromEntries(
    times(Math.floor(bytes / 40), index => [`field-${String(index).padStart(8, '0')}`, text]),
  ) as Record<string, string>;
}

export const configMaps = '/api/v1/namespaces/default/configmaps';
export const pods = '/api/v1/namespaces/default/pods';

export function configMap(name: string, data: object): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

export function deep(levels: number, open: string, inner: string, close: string): string {
  return open.repeat(levels) + inner + close.repeat(levels);
}

/** Of a server-side apply. */
export const applyType = 'application/apply-patch+yaml';
