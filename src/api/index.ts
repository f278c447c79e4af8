export type { Column, FieldError, KindBehaviour, KindContext } from './kind.ts';
export type { KubeList, KubeObject, Resource, UnknownObject } from './resource.ts';
export { apiVersionOf, groupResourceOf } from './resource.ts';
export * as resources from './resources.ts';
export type { FieldNode, Kind, Scheme, Subresource, TypeNode, Verb } from './scheme.ts';
export type * from './types.ts';
