import type { Attributes, Authorizer } from '../access.ts';
import type { User } from '../user.ts';
import { groups, parseServiceAccountUserName, serviceAccountGroups } from './identities.ts';
import { badRequest, forbiddenStatus } from './refuse.ts';

type Headers = Readonly<Record<string, string | undefined>>;
const extraPrefix = 'impersonate-extra-';

/** What the request asks to be; undefined when it has no Impersonate-* header. */
interface Wanted {
  userName: string;
  groups: string[];
  uid: string;
  extra: Record<string, string[]>;
}

/**
 * The user that a request acts as: the given one, or the one that its Impersonate-User, -Group, -Uid and -Extra-* headers name if `authorize` lets the
 * given one impersonate each of them. Throws 403 with upstream's text, 400 (as upstream: 500) for parts without a user.
 */
export async function impersonate(user: User, headers: Headers, authorize: Authorizer): Promise<User> {
  const wanted = readWanted(headers);
  if (!wanted) return user;
  const account = parseServiceAccountUserName(wanted.userName);
  for (const attributes of checksFor(user, wanted)) {
    const decision = await authorize(attributes);
    if (decision.verdict !== 'allow') throw forbiddenStatus(attributes, decision.reason);
  }
  const named = account && wanted.groups.length === 0 ? serviceAccountGroups(account.namespace) : wanted.groups;
  const base = wanted.userName === 'system:anonymous' ? groups.unauthenticated : groups.authenticated;
  return {
    name: wanted.userName,
    ...(wanted.uid ? { uid: wanted.uid } : {}),
    groups: named.includes(base) ? named : [...named, base],
    extra: wanted.extra,
  };
}

function readWanted(headers: Headers): Wanted | undefined {
  const userName = headers['impersonate-user'] ?? '';
  const uid = headers['impersonate-uid'] ?? '';
  const groupNames = splitList(headers['impersonate-group']);
  const extra: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(extraPrefix)) extra[decodeKey(name.slice(extraPrefix.length))] = splitList(value);
  }
  if (userName) return { userName, uid, groups: groupNames, extra };
  if (!uid && groupNames.length === 0 && Object.keys(extra).length === 0) return undefined;
  throw badRequest('requested impersonation without impersonating a user: set the Impersonate-User header too');
}

/** One permission for each thing that is taken on. */
function* checksFor(user: User, wanted: Wanted): Generator<Attributes> {
  const account = parseServiceAccountUserName(wanted.userName);
  const base = { user, verb: 'impersonate', version: 'v1' };
  if (account) yield { ...base, group: '', resource: 'serviceaccounts', ...account };
  else yield { ...base, group: '', resource: 'users', name: wanted.userName };
  for (const name of wanted.groups) yield { ...base, group: '', resource: 'groups', name };
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const name of values) {
      yield { ...base, group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name };
    }
  }
  if (wanted.uid) yield { ...base, group: 'authentication.k8s.io', resource: 'uids', name: wanted.uid };
}

/** Repeated headers arrive joined by a comma and a space. */
function splitList(value: string | undefined): string[] {
  return (value ?? '').split(', ').filter(Boolean);
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    // Upstream keeps a key that is not percent-encoded rightly as it is.
    return key;
  }
}
