import type { Attributes } from '../access.ts';
import type { User } from '../user.ts';
import { extraKeys, groups, nodeUserPrefix, parseServiceAccountUserName, serviceAccountGroups } from './identities.ts';
import { forbiddenStatus } from './refuse.ts';

/** Whom a request asks to be. */
export interface Wanted {
  readonly userName: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** One way in which somebody may be somebody else for certain requests only (KEP-5284). */
export interface Mode {
  /** Of its verbs: `impersonate:<name>` and `impersonate-on:<name>:<verb of the request>`. */
  readonly name: string;
  /** Whether it is about these two at all. */
  applies(wanted: Wanted, user: User): boolean;
  /** As whom the asking user is shown to authorizers. */
  asker(user: User): User;
}

const self = (user: User) => user;
const isNameOnly = (wanted: Wanted) =>
  !wanted.uid && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0;

/** In the order in which they are tried, before the right to impersonate for all requests (upstream's allImpersonationModes). */
export const constrainedModes: readonly Mode[] = [
  {
    name: 'associated-node',
    applies: (wanted, user) => isNameOnly(wanted) && isOwnNode(user, wanted.userName),
    // Rights are given for whatever node a service account's pod is on: which one is no part of the question.
    asker: user => ({
      ...user,
      extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(user.extra ?? {}).sort() },
    }),
  },
  {
    name: 'arbitrary-node',
    applies: wanted => isNameOnly(wanted) && nodeOf(wanted.userName) !== undefined,
    asker: self,
  },
  {
    name: 'serviceaccount',
    applies: wanted => isNameOnly(wanted) && parseServiceAccountUserName(wanted.userName) !== undefined,
    asker: self,
  },
  {
    name: 'user-info',
    applies: ({ userName }) => nodeOf(userName) === undefined && !parseServiceAccountUserName(userName),
    asker: self,
  },
];

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function nodeOf(userName: string): string | undefined {
  if (!userName.startsWith(nodeUserPrefix)) return undefined;
  const name = userName.slice(nodeUserPrefix.length);
  return name.length <= 253 && subdomain.test(name) ? name : undefined;
}

function isOwnNode(user: User, wanted: string): boolean {
  const node = nodeOf(wanted);
  const own = user.extra?.[extraKeys.nodeName] ?? [];
  return (
    node !== undefined && parseServiceAccountUserName(user.name) !== undefined && own.length === 1 && own[0] === node
  );
}

/** What must be allowed: to do what the request does as somebody else, then each thing that is taken on. Throws 403 for what this way never allows. */
export function* constrainedChecks(
  mode: Mode,
  { user, wanted, asked }: { user: User; wanted: Wanted; asked: Attributes },
): Generator<Attributes> {
  const asker = mode.asker(user);
  yield { ...asked, user: asker, verb: `impersonate-on:${mode.name}:${asked.verb}` };
  const base = { user: asker, verb: `impersonate:${mode.name}`, group: 'authentication.k8s.io', version: 'v1' };
  const node = nodeOf(wanted.userName);
  const account = parseServiceAccountUserName(wanted.userName);
  if (node !== undefined) yield { ...base, resource: 'nodes', name: mode.name === 'associated-node' ? '*' : node };
  else if (account) yield { ...base, resource: 'serviceaccounts', ...account };
  else yield { ...base, resource: 'users', name: wanted.userName };
  if (wanted.uid) yield { ...base, resource: 'uids', name: wanted.uid };
  const about = { ...base, resource: 'groups' };
  if (wanted.groups.includes('')) throw forbiddenStatus(about, 'impersonating the empty string group is not allowed');
  if (wanted.groups.includes(groups.masters))
    throw forbiddenStatus({ ...about, name: groups.masters }, 'impersonating the system:masters group is not allowed');
  for (const name of wanted.groups) yield { ...about, name };
  for (const [key, values] of Object.entries(wanted.extra)) {
    const extra = { ...base, resource: 'userextras' };
    const problem = problemOfExtra(key, values);
    if (problem) throw forbiddenStatus(extra, problem);
    for (const name of values) yield { ...extra, subresource: key, name };
  }
}

function problemOfExtra(key: string, values: readonly string[]): string | undefined {
  const [domain = '', ...path] = key.split('/');
  if (key === '') return 'impersonating the empty string key in extra is not allowed';
  if (path.join('/') === '' || !subdomain.test(domain))
    return `impersonating an invalid key in extra is not allowed: extra.key: Invalid value: ${JSON.stringify(key)}: must be a domain-prefixed path (such as "acme.io/foo")`;
  if (values.length === 0) return 'impersonating empty values in extra is not allowed';
  if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  return undefined;
}

/** Groups that come with a name: nodes and service accounts bring their own. */
export function groupsOfName(userName: string): readonly string[] | undefined {
  if (nodeOf(userName) !== undefined) return [groups.nodes];
  const account = parseServiceAccountUserName(userName);
  return account && serviceAccountGroups(account.namespace);
}
