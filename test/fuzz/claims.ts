/** Tokens that a right key has signed and whose claims are whatever the input is: a signature says who wrote them, not that they are well formed. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { errors } from 'jose';
import { createFakeClock } from '#base/testing';
import { readTokenKey } from '../../src/apiserver/access/json-web-token.ts';
import { createServiceAccountTokens } from '../../src/apiserver/access/service-account-token.ts';
import type { ObjectReader } from '../../src/apiserver/reader.ts';
import type { Target } from './engine.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';
const uid = 'a1';
const bound = {
  iss: issuer,
  sub: 'system:serviceaccount:default:default',
  aud: [issuer],
  exp: 9_999_999_999,
  jti: 'j',
  'kubernetes.io': {
    namespace: 'default',
    serviceaccount: { name: 'default', uid },
    pod: { name: 'p', uid },
    node: { name: 'n', uid },
  },
};
const legacy = {
  iss: 'kubernetes/serviceaccount',
  sub: 'system:serviceaccount:default:default',
  'kubernetes.io/serviceaccount/namespace': 'default',
  'kubernetes.io/serviceaccount/secret.name': 's',
  'kubernetes.io/serviceaccount/service-account.name': 'default',
  'kubernetes.io/serviceaccount/service-account.uid': uid,
};

/** Refused in words of ours or of the library; an exception of the language is a defect. */
export function claimsTarget(): Target {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = readTokenKey(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  const header = Buffer.from(JSON.stringify({ alg: key.algorithm, kid: key.id })).toString('base64url');
  // Everything that is asked for is there.
  const reader = { get: (_: unknown, namespace: string, name: string) => ({ metadata: { namespace, name, uid } }) };
  const authenticate = createServiceAccountTokens({
    keys: [key],
    issuer,
    audiences: [issuer],
    reader: reader as unknown as ObjectReader,
    clock: createFakeClock(),
  });
  return {
    name: 'claims of a token',
    corpus: [bound, legacy].map(claims => JSON.stringify(claims)),
    refusals: [],
    async run(input) {
      const text = `${header}.${input.toString('base64url')}`;
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      try {
        await authenticate(`${text}.${signature.toString('base64url')}`);
      } catch (error) {
        const isRefusal = error instanceof errors.JOSEError || (error as Error).constructor === Error;
        if (!isRefusal) throw error;
      }
    },
  };
}
