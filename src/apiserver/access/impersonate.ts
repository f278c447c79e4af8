import type { Attributes, Authorizer } from '../access.ts';
import type { User } from '../user.ts';
import { constrainedChecks, constrainedModes, groupsOfName, type Wanted } from './constrained-impersonation.ts';
import { groups, parseServiceAccountUserName, serviceAccountGroups } from './identities.ts';
import { badRequest, forbiddenStatus, StatusError } from './refuse.ts';

type Headers = Readonly<Record<string, string | undefined>>;
const extraPrefix = 'impersonate-extra-';

/**
 * The user that a request acts as: the given one, or the one that its Impersonate-User, -Group, -Uid and -Extra-* headers name if `authorize` lets the
 * given one impersonate each of them, either for what it asks (`asked`, constrained impersonation) or for everything. Throws 403 with upstream's text, 400 (as upstream: 500) for parts without a user.
 */
export async function impersonate(
  user: User,
  headers: Headers,
  authorize: Authorizer,
  asked?: Attributes,
): Promise<User> {
  const wanted = readWanted(headers);
  if (!wanted) return user;
  let refusal: unknown;
  for (const mode of asked ? constrainedModes : []) {
    if (!mode.applies(wanted, user)) continue;
    try {
      await checkAll(constrainedChecks(mode, { user, wanted, asked: asked! }), authorize);
      return toUser(wanted, groupsOfName(wanted.userName));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      refusal ??= error;
    }
  }
  try {
    await checkAll(checksFor(user, wanted), authorize);
  } catch (error) {
    // What was tried first is told, as upstream.
    throw refusal ?? error;
  }
  const account = parseServiceAccountUserName(wanted.userName);
  return toUser(wanted, account && wanted.groups.length === 0 ? serviceAccountGroups(account.namespace) : undefined);
}

async function checkAll(checks: Iterable<Attributes>, authorize: Authorizer): Promise<void> {
  for (const attributes of checks) {
    const decision = await authorize(attributes);
    if (decision.verdict !== 'allow') throw forbiddenStatus(attributes, decision.reason);
  }
}

function toUser(wanted: Wanted, ownGroups: readonly string[] | undefined): User {
  const named = ownGroups ?? wanted.groups;
  const isNobody = wanted.userName === 'system:anonymous';
  const base = isNobody ? groups.unauthenticated : groups.authenticated;
  const has = named.includes(base) || (!isNobody && named.includes(groups.unauthenticated));
  return {
    name: wanted.userName,
    ...(wanted.uid ? { uid: wanted.uid } : {}),
    groups: has ? [...named] : [...named, base],
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
