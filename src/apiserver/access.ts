import type { Request } from '#wire';
import type { User } from './user.ts';

/** Looks at a request's credentials. Undefined: none that it knows, ask the next. Throws (or rejects with) Status 401 for ones that are wrong. */
export type Authenticator = (request: Request) => User | undefined | Promise<User | undefined>;

/** What is to be allowed. */
export interface Attributes {
  readonly user: User;
  readonly verb: string;
  /** Resource requests. */
  readonly group?: string | undefined;
  readonly version?: string | undefined;
  readonly resource?: string | undefined;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** The fieldSelector of a list, watch or deletecollection as in the URL: the node authorizer demands one of kubelets. */
  readonly fieldSelector?: string | undefined;
  /** The labelSelector of such a request, likewise. */
  readonly labelSelector?: string | undefined;
  /** Non-resource requests. */
  readonly path?: string | undefined;
}

export interface Decision {
  verdict: 'allow' | 'deny' | 'no-opinion';
  reason: string;
}

/** Synchronous when it can be (RBAC from the cache): the hot path awaits only promises. */
export type Authorizer = (attributes: Attributes) => Decision | Promise<Decision>;
