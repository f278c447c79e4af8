import { timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '#base';
import type { Handler, Request, Response } from '#wire';
import type { CertificateFolder } from './certificates.ts';
import type { SharedConfig } from './cluster.ts';

/** What a joining node asks for. Keys are made on the node and stay there. */
export interface JoinRequest {
  nodeName: string;
  /** Names and addresses for its serving certificate. */
  addresses: string[];
  /** SubjectPublicKeyInfo, PEM. */
  clientPublicKey: string;
  servingPublicKey: string;
}

/** What it gets. */
export interface JoinAnswer {
  clientCertificate: string;
  /** For what serves the node's Services and names; made for the same key. */
  proxyCertificate: string;
  servingCertificate: string;
  clientAuthority: string;
  serverAuthority: string;
  cluster: SharedConfig;
}

export interface JoinDeps {
  certificates: CertificateFolder;
  /** Whether the server's token, or a bootstrap token, has this secret. */
  isAllowed(user: string, secret: string): Promise<boolean>;
  /**
   * Ties a node's name to whoever joined with it first: undefined when the name is free or was this node's (same client key), else why not.
   */
  claimName(nodeName: string, clientPublicKey: string): Promise<string | undefined>;
  cluster: JoinAnswer['cluster'];
  clock: Clock;
  random: Random;
}

export const authoritiesPath = '/cacerts';
export const joinPath = '/v1-wherry/join';
const bodyLimitBytes = 64 * 1024;

/** The two paths that a node needs before it has a certificate. Undefined: not ours, the API answers. */
export function createJoinHandler(deps: JoinDeps): (request: Request) => ReturnType<Handler> | undefined {
  return request => {
    if (request.path === authoritiesPath && request.method === 'GET') {
      return Promise.resolve(text(200, deps.certificates.authority('server-ca').certificate));
    }
    return request.path === joinPath && request.method === 'POST' ? answerJoin(request, deps) : undefined;
  };
}

async function answerJoin(request: Request, deps: JoinDeps): Promise<Response> {
  const credentials = parseBasic(request.headers['authorization']);
  if (!credentials || !(await deps.isAllowed(credentials.user, credentials.secret)))
    return text(401, 'the token is not one of this server\n');
  const asked = parseJoinRequest(Buffer.from(await request.body(bodyLimitBytes)).toString());
  if (typeof asked === 'string') return text(400, `${asked}\n`);
  const taken = await deps.claimName(asked.nodeName, asked.clientPublicKey);
  if (taken) return text(409, `${taken}\n`);
  const { signLeaf } = await import('./certificate-authority.ts');
  const options = { nowMs: deps.clock.now(), random: deps.random };
  const subject = { commonName: `system:node:${asked.nodeName}`, organizations: ['system:nodes'] };
  const client = await signLeaf(
    deps.certificates.authority('client-ca'),
    { ...subject, usage: 'client', publicKey: asked.clientPublicKey },
    options,
  );
  const proxy = await signLeaf(
    deps.certificates.authority('client-ca'),
    { commonName: 'system:kube-proxy', usage: 'client', publicKey: asked.clientPublicKey },
    options,
  );
  const names = [asked.nodeName, 'localhost', '127.0.0.1', ...asked.addresses];
  const serving = await signLeaf(
    deps.certificates.authority('server-ca'),
    { ...subject, usage: 'server', names, publicKey: asked.servingPublicKey },
    options,
  );
  const answer: JoinAnswer = {
    clientCertificate: client.certificate,
    proxyCertificate: proxy.certificate,
    servingCertificate: serving.certificate,
    clientAuthority: deps.certificates.authority('client-ca').certificate,
    serverAuthority: deps.certificates.authority('server-ca').certificate,
    cluster: deps.cluster,
  };
  return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(answer)) };
}

/** Compares in the same time whatever differs. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function parseBasic(header: string | undefined): { user: string; secret: string } | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/.exec(header ?? '')?.[1];
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? [];
  return user !== undefined && secret !== undefined ? { user, secret } : undefined;
}

/** The request, or what is wrong with it. */
function parseJoinRequest(body: string): JoinRequest | string {
  let value: Partial<JoinRequest>;
  try {
    value = JSON.parse(body);
  } catch {
    return 'the body is not JSON';
  }
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value?.nodeName ?? '') || value.nodeName!.length > 253) {
    return `nodeName: ${JSON.stringify(value?.nodeName)} is not a node name (lower-case letters, digits, - and .)`;
  }
  if (!Array.isArray(value.addresses) || !value.addresses.every(address => typeof address === 'string'))
    return 'addresses: must be a list of texts';
  for (const field of ['clientPublicKey', 'servingPublicKey'] as const) {
    if (!value[field]?.startsWith('-----BEGIN PUBLIC KEY-----')) return `${field}: must be a public key in PEM`;
  }
  return value as JoinRequest;
}

function text(status: number, body: string): Response {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(body) };
}
