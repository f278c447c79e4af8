import type { User } from '../user.ts';

/** Names of users and groups that upstream gives a meaning to. */
export const groups = {
  masters: 'system:masters',
  nodes: 'system:nodes',
  authenticated: 'system:authenticated',
  unauthenticated: 'system:unauthenticated',
  serviceAccounts: 'system:serviceaccounts',
  bootstrappers: 'system:bootstrappers',
} as const;

export const nodeUserPrefix = 'system:node:';
const serviceAccountPrefix = 'system:serviceaccount:';

/** Issuer of tokens that are kept in Secrets. */
export const legacyIssuer = 'kubernetes/serviceaccount';

/** Keys of a user's extra, set by the authenticators. */
export const extraKeys = {
  credentialId: 'authentication.kubernetes.io/credential-id',
  podName: 'authentication.kubernetes.io/pod-name',
  podUid: 'authentication.kubernetes.io/pod-uid',
  nodeName: 'authentication.kubernetes.io/node-name',
  nodeUid: 'authentication.kubernetes.io/node-uid',
} as const;

export function serviceAccountUserName(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`;
}

/** Namespace and name out of `system:serviceaccount:ns:name`; undefined for any other user name. */
export function parseServiceAccountUserName(userName: string): { namespace: string; name: string } | undefined {
  if (!userName.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace, name, ...rest] = userName.slice(serviceAccountPrefix.length).split(':');
  if (!namespace || !name || rest.length > 0) return undefined;
  return { namespace, name };
}

/** Groups that every service account of the namespace has. */
export function serviceAccountGroups(namespace: string): string[] {
  return [groups.serviceAccounts, `${groups.serviceAccounts}:${namespace}`];
}

/** The node that a user is, if it is a kubelet: user `system:node:<name>` in group system:nodes. */
export function nodeNameOf(user: User): string | undefined {
  if (!user.name.startsWith(nodeUserPrefix) || !user.groups.includes(groups.nodes)) return undefined;
  return user.name.slice(nodeUserPrefix.length);
}

/** As `asAuthenticated`, but the same user is answered with the same object: whoever remembers things about users can do so by object. */
export function createWelcome(): (user: User) => User {
  const known = new WeakMap<User, User>();
  return user => {
    let welcomed = known.get(user);
    if (!welcomed) {
      welcomed = asAuthenticated(user);
      known.set(user, welcomed);
    }
    return welcomed;
  };
}

/** The same user with system:authenticated, which every user but the anonymous one has. */
export function asAuthenticated(user: User): User {
  const special: readonly string[] = [groups.authenticated, groups.unauthenticated];
  if (user.groups.some(group => special.includes(group))) return user;
  return { ...user, groups: [...user.groups, groups.authenticated] };
}
