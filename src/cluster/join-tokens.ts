import type { Secret } from '#api';
import { resources } from '#api';
import type { Clock, Random } from '#base';
import { type Client, isNotFound } from '#client';
import { sameSecret } from './join-server.ts';

/** A bootstrap token: upstream's Secret bootstrap-token-<id> in kube-system, with which nodes join until it expires. */
export interface BootstrapToken {
  /** Six characters, no secret. */
  id: string;
  /** Undefined: lasts for ever. */
  expires: Date | undefined;
  description: string;
}

const namespace = 'kube-system';
const secretType = 'bootstrap.kubernetes.io/token';
const idLength = 6;
const secretLength = 16;
const text = (secret: Secret, key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
const nameOf = (id: string) => `bootstrap-token-${id}`;

/** Makes a token; gives `id` and `secret`. */
export async function createBootstrapToken(
  client: Client,
  options: { ttlMs: number | undefined; description: string; clock: Clock; random: Random },
): Promise<{ id: string; secret: string }> {
  const { ttlMs, clock, random, description } = options;
  const characters = (length: number) => [...random.bytes(length)].map(byte => (byte % 36).toString(36)).join('');
  const [id, secret] = [characters(idLength), characters(secretLength)];
  const expires = ttlMs === undefined ? {} : { expiration: new Date(clock.now() + ttlMs).toISOString() };
  await client.create(resources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: nameOf(id), namespace },
    type: secretType,
    stringData: {
      'token-id': id,
      'token-secret': secret,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      description,
      ...expires,
    },
  } as Secret);
  return { id, secret };
}

export async function listBootstrapTokens(client: Client): Promise<BootstrapToken[]> {
  const { items } = await client.list(resources.secrets, { namespace, fieldSelector: `type=${secretType}` });
  return items.map(secret => {
    const expires = text(secret, 'expiration');
    return {
      id: text(secret, 'token-id'),
      expires: expires ? new Date(expires) : undefined,
      description: text(secret, 'description'),
    };
  });
}

/** False when there is no such token. */
export async function deleteBootstrapToken(client: Client, id: string): Promise<boolean> {
  try {
    await client.delete(resources.secrets, { namespace, name: nameOf(id) });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Whether a joining node's token stands: known, right, meant for it, not expired. */
export async function isBootstrapToken(
  client: Client,
  { id, secret, nowMs }: { id: string; secret: string; nowMs: number },
): Promise<boolean> {
  if (!/^[a-z0-9]{6}$/.test(id)) return false;
  try {
    const known = await client.get(resources.secrets, { namespace, name: nameOf(id) });
    const expires = text(known, 'expiration');
    return (
      known.type === secretType &&
      text(known, 'usage-bootstrap-authentication') === 'true' &&
      (!expires || Date.parse(expires) > nowMs) &&
      sameSecret(text(known, 'token-secret'), secret)
    );
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
