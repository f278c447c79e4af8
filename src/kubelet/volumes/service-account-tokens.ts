import type { Pod, ServiceAccountTokenProjection, TokenRequest } from '#api';
import { resources } from '#api';
import type { Clock } from '#base';
import type { Client } from '#client';

/** Upstream's: a token is renewed after 80 % of its time, and after a day at the latest. */
const [renewPart, renewAfterMs] = [0.8, 24 * 60 * 60 * 1000];
const defaultSeconds = 3600;

/** Tokens of pods, kept until they should be renewed. */
export interface ServiceAccountTokens {
  token(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string>;
  /** When the next token of the pod should be renewed; undefined when it has none. */
  nextRenewalMs(uid: string): number | undefined;
  forget(uid: string): void;
}

interface Held {
  token: string;
  renewAtMs: number;
  expiresAtMs: number;
}

export function createServiceAccountTokens({ client, clock }: { client: Client; clock: Clock }): ServiceAccountTokens {
  const held = new Map<string, Map<string, Held>>();
  const request = async (pod: Pod, { audience, expirationSeconds = defaultSeconds }: ServiceAccountTokenProjection) => {
    const { namespace, name: podName, uid } = pod.metadata;
    const name = pod.spec.serviceAccountName || 'default';
    const body: TokenRequest = {
      ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { namespace, name } },
      spec: {
        audiences: audience ? [audience] : [],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: podName, uid },
      },
    };
    const answer = await client.create(resources.serviceaccounts, body as never, { subresource: 'token' });
    const { token = '', expirationTimestamp = '' } = (answer as unknown as TokenRequest).status ?? {};
    const [nowMs, expiresAtMs] = [clock.now(), Date.parse(expirationTimestamp)];
    const renewInMs = Math.min((expiresAtMs - nowMs) * renewPart, renewAfterMs);
    return { token, renewAtMs: nowMs + renewInMs, expiresAtMs };
  };
  return {
    async token(pod, projection) {
      const uid = pod.metadata.uid ?? '';
      const ofPod = held.get(uid) ?? held.set(uid, new Map()).get(uid)!;
      const key = JSON.stringify([projection.audience, projection.expirationSeconds]);
      const known = ofPod.get(key);
      if (known && known.renewAtMs > clock.now()) return known.token;
      try {
        const fresh = await request(pod, projection);
        ofPod.set(key, fresh);
        return fresh.token;
      } catch (error) {
        // A token that still holds is better than none; the next look tries again.
        if (known && known.expiresAtMs > clock.now()) return known.token;
        throw error;
      }
    },
    nextRenewalMs(uid) {
      const times = Array.from(held.get(uid)?.values() ?? [], one => one.renewAtMs);
      return times.length > 0 ? Math.min(...times) : undefined;
    },
    forget: uid => void held.delete(uid),
  };
}
