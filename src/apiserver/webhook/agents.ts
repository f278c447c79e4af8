import { createHash } from 'node:crypto';
import type { Agent } from 'node:http';
import { isIP } from 'node:net';

/** How one target is spoken to. Two calls that agree in all of it share their connections. */
export interface Connection {
  readonly protocol: 'http:' | 'https:';
  /** `svc.ns.svc:443`. */
  readonly host: string;
  /** The name that the certificate must have. */
  readonly serverName: string;
  /** PEM; undefined: the roots that Node brings. */
  readonly ca?: string | undefined;
  /** PEM of the certificate by which the caller shows itself. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** Targets whose connections are kept; the one that was used longest ago goes first. Configurations in a cluster are tens, and change their CA rarely. */
const maxTargets = 128;
/** Idle connections that are kept for one target: what a burst leaves behind need not all stay. */
const maxIdleSockets = 32;
/** Idle connections are closed after this, as Go's default transport does. A call under way has its own time and is not ended by it. */
const idleMs = 90_000;

/** Keep-alive connections by target. */
export class Agents implements Disposable {
  readonly #agents = new Map<string, Agent>();

  async of(connection: Connection): Promise<Agent> {
    const key = keyOf(connection);
    const agent = this.#agents.get(key) ?? (await createAgent(connection));
    this.#agents.delete(key);
    this.#agents.set(key, agent);
    const oldest = this.#agents.keys().next().value;
    if (this.#agents.size > maxTargets && oldest !== undefined) {
      // Only its idle connections: calls under way have theirs until they end.
      closeIdle(this.#agents.get(oldest));
      this.#agents.delete(oldest);
    }
    return agent;
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}

function keyOf(connection: Connection): string {
  return createHash('sha256').update(JSON.stringify(connection)).digest('base64');
}

async function createAgent({ protocol, serverName, ca, cert, key, insecure }: Connection): Promise<Agent> {
  const pooled = { keepAlive: true, maxFreeSockets: maxIdleSockets, timeout: idleMs };
  if (protocol === 'http:') return new (await import('node:http')).Agent(pooled);
  const { Agent } = await import('node:https');
  return new Agent({
    ...pooled,
    // TLS has no server names that are addresses.
    servername: isIP(serverName) ? '' : serverName,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(insecure && { rejectUnauthorized: false }),
  });
}

function closeIdle(agent: Agent | undefined): void {
  for (const sockets of Object.values(agent?.freeSockets ?? {})) for (const socket of sockets ?? []) socket.destroy();
}
