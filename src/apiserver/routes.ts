import type { KubeObject } from '#api';
import type { Request, Response } from '#wire';
import type { RequestInfo } from './request-info.ts';
import type { User } from './user.ts';

/** Answers a request for a subresource that reaches into a node or a pod instead of the store. Throws Status. */
export type Connect = (request: Request, info: RequestInfo) => Promise<Response>;
/** Answers a create of a kind that is never stored. `namespace` is that of the URL. */
export type Review = (object: KubeObject, user: User, namespace?: string | undefined) => Promise<KubeObject>;
/** Answers a create of serviceaccounts/<name>/token. */
export type CreateToken = (about: {
  namespace: string;
  name: string;
  object: KubeObject;
  user: User;
}) => Promise<KubeObject>;
/** Answers a plain path. */
export type PathRoute = (request: Request) => Response | Promise<Response>;

/** What answers beside the store. */
export interface ExtraRoutes {
  /** By plural resource and group: `tokenreviews.authentication.k8s.io`. */
  readonly reviews?: Readonly<Record<string, Review>> | undefined;
  /** Objects of kinds that are read-only and not stored, by plural resource and group. */
  readonly computed?: Readonly<Record<string, () => readonly KubeObject[]>> | undefined;
  readonly createToken?: CreateToken | undefined;
  /** For log, exec, attach, portforward and proxy. */
  readonly connect?: Connect | undefined;
  /** By exact path: `/openid/v1/jwks`. */
  readonly paths?: Readonly<Record<string, PathRoute>> | undefined;
}
