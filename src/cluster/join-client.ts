import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { writeFileAtomic } from './certificates.ts';
import { authoritiesPath, type JoinAnswer, type JoinRequest, joinPath } from './join-server.ts';
import { StartError } from './start-error.ts';
import { parseToken } from './token.ts';

const answerFile = 'join.json';

/** No answer came: worth trying again, unlike a refusal. */
export class Unreachable extends StartError {}

export interface JoinOptions {
  /** `https://host:6443`. */
  server: string;
  token: string;
  nodeName: string;
  addresses: readonly string[];
  /** Where keys and certificates are kept. */
  folder: string;
}

/** A node's certificates, from the server; kept in the folder. Throws StartError with the remedy, Unreachable when no answer came. */
export async function joinCluster(options: JoinOptions): Promise<JoinAnswer> {
  const token = parseToken(options.token);
  if (!token) throw new StartError('token: not a join token; "wherry token show" on the server prints it');
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const authority = await fetchAuthority(options.server, token.caHash);
  const body: JoinRequest = {
    nodeName: options.nodeName,
    addresses: [...options.addresses],
    clientPublicKey: ensureKey(join(options.folder, 'client-kubelet.key')),
    servingPublicKey: ensureKey(join(options.folder, 'serving-kubelet.key')),
  };
  const { status, text } = await send(`${options.server}${joinPath}`, {
    method: 'POST',
    ca: authority,
    headers: {
      authorization: `Basic ${Buffer.from(`${token.user}:${token.secret}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  if (status !== 200) throw new StartError(`${options.server} does not take this node: ${text.trim()} (${status})`);
  const answer: JoinAnswer = JSON.parse(text);
  writeFileAtomic(join(options.folder, 'client-kubelet.crt'), answer.clientCertificate, 0o600);
  writeFileAtomic(join(options.folder, 'client-kube-proxy.crt'), answer.proxyCertificate, 0o600);
  writeFileAtomic(join(options.folder, 'serving-kubelet.crt'), answer.servingCertificate, 0o600);
  writeFileAtomic(join(options.folder, 'client-ca.crt'), answer.clientAuthority, 0o600);
  writeFileAtomic(join(options.folder, 'server-ca.crt'), answer.serverAuthority, 0o600);
  writeFileAtomic(join(options.folder, answerFile), JSON.stringify(answer), 0o600);
  return answer;
}

/** The answer of an earlier join, for starting while the server is away. */
export function rememberedJoin(folder: string): JoinAnswer | undefined {
  const path = join(folder, answerFile);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** The server's authority; it is trusted only when its hash is the token's, which is checked before any secret is sent. */
async function fetchAuthority(server: string, caHash: string | undefined): Promise<string> {
  const { status, text } = await send(`${server}${authoritiesPath}`, { method: 'GET', headers: {} });
  if (status !== 200) throw new StartError(`${server}${authoritiesPath} answers ${status}: is it a Wherry server?`);
  const actual = createHash('sha256').update(text).digest('hex');
  if (caHash && actual !== caHash) {
    throw new StartError(
      `${server} has another authority (${actual.slice(0, 12)}...) than the token says (${caHash.slice(0, 12)}...): wrong server, or a token of before`,
    );
  }
  return text;
}

interface SendOptions {
  method: string;
  /** Absent: whoever answers is believed, which is only for fetching the authority. */
  ca?: string;
  headers: Record<string, string>;
  body?: string;
}

function send(url: string, options: SendOptions): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const agent = new Agent(options.ca ? { ca: options.ca } : { rejectUnauthorized: false });
  const call = request(url, { method: options.method, headers: options.headers, agent, timeout: 10_000 }, response => {
    const chunks: Buffer[] = [];
    response.on('data', chunk => chunks.push(chunk));
    response.on('end', () => resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() }));
  });
  call.on('timeout', () => call.destroy(new Error('no answer within 10 s')));
  call.on('error', cause => reject(new Unreachable(`${url}: ${cause.message}`, { cause })));
  call.end(options.body);
  return promise;
}

/** The public half of a key that is made at the first time. */
function ensureKey(path: string): string {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileAtomic(path, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, 0o600);
  }
  return createPublicKey(readFileSync(path)).export({ type: 'spki', format: 'pem' }) as string;
}
