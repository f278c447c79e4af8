import { timingSafeEqual } from 'node:crypto';
import { resources } from '#api';
import type { Clock } from '#base';
import type { ObjectReader } from '../reader.ts';
import { groups } from './identities.ts';
import type { TokenAuthenticator } from './service-account-token.ts';

const tokenForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const extraGroupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/**
 * Checks tokens that let machines join: `<id>.<secret>` kept in the Secret kube-system/bootstrap-token-<id> of type bootstrap.kubernetes.io/token
 * with usage-bootstrap-authentication "true". Users are `system:bootstrap:<id>` in system:bootstrappers and the Secret's auth-extra-groups.
 */
export function createBootstrapTokens(options: {
  reader: ObjectReader;
  clock: Clock;
  audiences: readonly string[];
}): TokenAuthenticator {
  return async (token, audiences) => {
    const [, id, given] = tokenForm.exec(token) ?? [];
    if (!id || !given) return undefined;
    const secret = options.reader.get(resources.secrets, 'kube-system', `bootstrap-token-${id}`);
    if (!secret || secret.metadata.deletionTimestamp || secret.type !== 'bootstrap.kubernetes.io/token')
      return undefined;
    const field = (name: string) => Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8');
    if (field('token-id') !== id || !isEqual(field('token-secret'), given)) return undefined;
    const expiration = field('expiration');
    if (expiration && !(Date.parse(expiration) > options.clock.now())) return undefined;
    if (field('usage-bootstrap-authentication') !== 'true') return undefined;
    const extraGroups = field('auth-extra-groups').split(',').filter(Boolean);
    if (!extraGroups.every(group => extraGroupForm.test(group))) return undefined;
    const user = { name: `system:bootstrap:${id}`, groups: [groups.bootstrappers, ...extraGroups] };
    return { user, audiences: audiences ?? options.audiences };
  };
}

/** In a time that does not tell how much of it was right. */
function isEqual(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
