import { resources, type SubjectAccessReview, type TokenReview } from '#api';
import type { Clock } from '#base';
import type { Client } from '#client';
import type { Request } from '#wire';

/** Who asks, as far as the node knows. */
interface Asker {
  name: string;
  groups: readonly string[];
  uid?: string | undefined;
  extra?: Record<string, string[]> | undefined;
}

export type Access = { allowed: true } | { allowed: false; status: 401 | 403; message: string };

/** Upstream's time for which an answer of the API server stands. */
const rememberMs = 2 * 60 * 1000;
/** Answers remembered at most; past it all are forgotten. */
const maxRemembered = 1000;

/**
 * Decides about requests to the node's own port: client certificates of the cluster's authority, or tokens that the API server knows (TokenReview); then
 * the right to the node's subresource (SubjectAccessReview). Nobody is anonymous. Source: upstream's kubelet authentication and authorization.
 */
export function createAccess(options: {
  client: Client;
  clock: Clock;
  nodeName: string;
}): (request: Request) => Promise<Access> {
  const { client, clock, nodeName } = options;
  const remembered = new Map<string, { untilMs: number; value: Promise<unknown> }>();
  const remember = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = remembered.get(key);
    if (known && known.untilMs > clock.now()) return known.value as Promise<T>;
    if (remembered.size >= maxRemembered) remembered.clear();
    const value = ask();
    remembered.set(key, { untilMs: clock.now() + rememberMs, value });
    value.catch(() => remembered.delete(key)); // the caller sees the error; the next one asks anew
    return value;
  };
  return async request => {
    const asker =
      fromCertificate(request) ??
      (await fromToken(request, token => remember(`token ${token}`, () => reviewToken(client, token))));
    if (!asker) return { allowed: false, status: 401, message: 'Unauthorized' };
    if (asker.groups.includes('system:masters')) return { allowed: true };
    const asked = attributesOf(request);
    const key = JSON.stringify([asker.name, asker.groups, asked]);
    const allowed = await remember(key, () => reviewAccess(client, asker, { ...asked, name: nodeName }));
    const message = `Forbidden (user=${asker.name}, verb=${asked.verb}, resource=nodes, subresource(s)=[${asked.subresource}])`;
    return allowed ? { allowed: true } : { allowed: false, status: 403, message };
  };
}

/** The name of the certificate that the transport has verified. */
function fromCertificate(request: Request): Asker | undefined {
  const subject = request.peer.certificate?.subject as { CN?: string | string[]; O?: string | string[] } | undefined;
  const list = (value: string | string[] | undefined) => (value === undefined ? [] : [value].flat());
  const name = list(subject?.CN)[0];
  return name ? { name, groups: [...list(subject?.O), 'system:authenticated'] } : undefined;
}

async function fromToken(
  request: Request,
  review: (token: string) => Promise<Asker | undefined>,
): Promise<Asker | undefined> {
  const token = /^Bearer (\S+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
  return token ? review(token) : undefined;
}

async function reviewToken(client: Client, token: string): Promise<Asker | undefined> {
  const review: TokenReview = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    metadata: { name: '' },
    spec: { token },
  };
  const { status } = await client.create(resources.tokenreviews, review);
  const user = status?.user;
  if (!status?.authenticated || !user?.username) return undefined;
  return { name: user.username, groups: user.groups ?? [], uid: user.uid, extra: user.extra };
}

async function reviewAccess(
  client: Client,
  asker: Asker,
  asked: { verb: string; subresource: string; name: string },
): Promise<boolean> {
  const review: SubjectAccessReview = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: { name: '' },
    spec: {
      user: asker.name,
      groups: [...asker.groups],
      uid: asker.uid,
      extra: asker.extra,
      resourceAttributes: { group: '', version: 'v1', resource: 'nodes', ...asked },
    },
  };
  const { status } = await client.create(resources.subjectaccessreviews, review);
  return status?.allowed ?? false;
}

const verbs: Record<string, string> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
const subresources: readonly [prefix: string, subresource: string][] = [
  ['/stats', 'stats'],
  ['/metrics', 'metrics'],
  ['/logs', 'log'],
  ['/healthz', 'healthz'],
  ['/pods', 'pods'],
];

/** Which right a path needs: nodes/stats, nodes/metrics, ... and nodes/proxy for all that reaches into containers. */
function attributesOf(request: Request): { verb: string; subresource: string } {
  const found = subresources.find(([prefix]) => request.path === prefix || request.path.startsWith(`${prefix}/`));
  return { verb: verbs[request.method] ?? request.method.toLowerCase(), subresource: found?.[1] ?? 'proxy' };
}
