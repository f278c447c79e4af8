import type { Meter } from '#base';
import type { Authenticator, Authorizer, Decision } from '../access.ts';
import type { User } from '../user.ts';
import { Family } from './series.ts';

/** Counts who comes in, under upstream's names. */
export function countAuthentication(authenticate: Authenticator, meter: Meter): Authenticator {
  const attempts = new Family({
    name: 'authentication_attempts',
    help: 'Counter of authenticated attempts.',
    type: 'counter',
    labels: ['result'],
  });
  const users = new Family({
    name: 'authenticated_user_requests',
    help: 'Counter of authenticated requests broken out by username.',
    type: 'counter',
    labels: ['username'],
  });
  meter.expose(() => attempts.text() + users.text());
  const [success, failure, error] = [attempts.of('success'), attempts.of('failure'), attempts.of('error')];
  const count = (user: User | undefined) => {
    (user ? success : failure).add();
    if (user) users.of(compressName(user.name)).add();
    return user;
  };
  const fail = (problem: unknown): never => {
    error.add();
    throw problem;
  };
  return request => {
    let asked: ReturnType<Authenticator>;
    try {
      asked = authenticate(request);
    } catch (problem) {
      return fail(problem);
    }
    return asked instanceof Promise ? asked.then(count, fail) : count(asked);
  };
}

const internalNames = new Set([
  'admin',
  'client',
  'kube_proxy',
  'kubelet',
  'system:serviceaccount:kube-system:default',
]);

/** As upstream: names of users are no labels, or their number would be the number of series. */
function compressName(name: string): string {
  if (internalNames.has(name)) return name;
  return name.includes('@') ? 'email_id' : 'other';
}

const results: Readonly<Record<Decision['verdict'], string>> = {
  allow: 'allowed',
  deny: 'denied',
  'no-opinion': 'no-opinion',
};

/** Counts what the authorizers say about requests. */
export function countAuthorization(authorize: Authorizer, meter: Meter): Authorizer {
  const attempts = new Family({
    name: 'authorization_attempts_total',
    help: "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
    type: 'counter',
    labels: ['result'],
  });
  meter.expose(() => attempts.text());
  const count = (decision: Decision) => {
    attempts.of(results[decision.verdict]).add();
    return decision;
  };
  return attributes => {
    const decision = authorize(attributes);
    return decision instanceof Promise ? decision.then(count) : count(decision);
  };
}
