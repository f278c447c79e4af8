import type { Clock } from '#base';
import { backoffMs } from '#base';
import { WebhookCallError, type WebhookClient } from '../webhook/index.ts';

/** A server that reviews tokens or access, as a kubeconfig names it. */
export interface ReviewServer {
  readonly url: string;
  /** PEM. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  readonly serverName?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/** Sends a review and gives it back with its status filled in. Rejects when no answer is to be had, with the last reason. */
export type AskWebhook = (review: unknown, timeoutMs: number) => Promise<Record<string, unknown>>;

/** Upstream asks five times, with delays that begin at half a second. */
const attempts = 5;
const retry = { firstMs: 500, maxMs: 5_000 };

/** Asks a server, again when it cannot be reached or answers with an error of its own. */
export function createAskWebhook(server: ReviewServer, deps: { client: WebhookClient; clock: Clock }): AskWebhook {
  const clientConfig = { url: server.url, ...(server.ca && { caBundle: Buffer.from(server.ca).toString('base64') }) };
  const { cert, key, serverName, insecure } = server;
  const tls = {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName && { serverName }),
    ...(insecure && { insecure }),
  };
  const headers = { ...(server.token && { authorization: `Bearer ${server.token}` }), 'user-agent': 'kube-apiserver' };
  return async (body, timeoutMs) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await deps.client.call({ clientConfig, body, timeoutMs, tls, headers, tellsTimeout: false });
        if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>;
        throw new Error('the webhook answered nothing');
      } catch (error) {
        if (attempt === attempts || !isTemporary(error)) throw error;
        await deps.clock.sleep(backoffMs(retry, attempt - 1));
      }
    }
  };
}

/** Not reached, or a server that has trouble (as upstream's DefaultShouldRetry). */
function isTemporary(error: unknown): boolean {
  if (!(error instanceof WebhookCallError)) return false;
  if (error.code === 'unreachable') return true;
  const code = error.answered?.status.code ?? 0;
  return error.code === 'refused' && (code >= 500 || code === 429);
}
