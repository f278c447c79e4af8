import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import type { Clock } from '#base';
import type { User } from '../user.ts';
import { createBoundedMap } from './bounded-map.ts';
import { certificateUid } from './certificate-uid.ts';
import { extraKeys } from './identities.ts';
import { unauthorized } from './refuse.ts';

/** Certificates whose signatures are remembered; more than this many clients only cost time. */
const rememberedCertificates = 1024;
const clientAuthUsage = '1.3.6.1.5.5.7.3.2';
const longestChain = 8;

interface Verified {
  user: User;
  /** The shortest validity on the way to the authority. */
  fromMs: number;
  untilMs: number;
}

/**
 * Turns a client certificate into a user: common name, organizations and the attribute 1.3.6.1.4.1.57683.2 become name, groups and uid. The certificate must lead to one of `authorities`
 * (PEM, one or several), be meant for clients, and be valid now; otherwise 401. Signatures are checked once a certificate, dates at every use.
 * Undefined when the certificate has no common name.
 */
export function createCertificateAuthenticator(options: {
  authorities: string;
  clock: Clock;
}): (certificate: PeerCertificate) => User | undefined {
  const authorities = splitPem(options.authorities).map(pem => new X509Certificate(pem));
  const known = createBoundedMap<Verified>(rememberedCertificates);
  return certificate => {
    const key = certificate.fingerprint256;
    let verified = known.get(key);
    if (!verified) {
      verified = verify(certificate, authorities);
      known.set(key, verified);
    }
    const nowMs = options.clock.now();
    if (nowMs < verified.fromMs || nowMs > verified.untilMs) throw unauthorized();
    return verified.user.name === '' ? undefined : verified.user;
  };
}

function verify(certificate: PeerCertificate, authorities: readonly X509Certificate[]): Verified {
  const leaf = parse(certificate.raw);
  if (!(leaf.keyUsage ?? [clientAuthUsage]).includes(clientAuthUsage)) throw unauthorized();
  const chain = findChain({ leaf, certificate, authorities });
  return {
    user: toUser(leaf),
    fromMs: Math.max(...chain.map(link => Date.parse(link.validFrom))),
    untilMs: Math.min(...chain.map(link => Date.parse(link.validTo))),
  };
}

function parse(raw: Buffer): X509Certificate {
  try {
    return new X509Certificate(raw);
  } catch {
    // Bytes that are no certificate prove nothing.
    throw unauthorized();
  }
}

/** From the leaf over intermediates that the peer sent to one of the authorities. Throws 401 when there is no such way. */
function findChain(start: {
  leaf: X509Certificate;
  certificate: PeerCertificate;
  authorities: readonly X509Certificate[];
}): X509Certificate[] {
  const chain = [start.leaf];
  let sent: unknown = start.certificate;
  for (let current = start.leaf; chain.length <= longestChain; ) {
    const authority = start.authorities.find(candidate => isIssuedBy(current, candidate));
    if (authority) return [...chain, authority];
    const next = (sent as { issuerCertificate?: PeerCertificate }).issuerCertificate;
    if (!next?.raw || next === sent) break;
    const issuer = parse(next.raw);
    if (!issuer.ca || !isIssuedBy(current, issuer)) break;
    chain.push(issuer);
    current = issuer;
    sent = next;
  }
  throw unauthorized();
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function toUser(certificate: X509Certificate): User {
  const { subject } = certificate.toLegacyObject() as { subject: Record<string, string | string[]> };
  const hash = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const uid = uidOf(certificate);
  return {
    name: listed(subject['CN'])[0] ?? '',
    ...(uid !== undefined && { uid }),
    groups: listed(subject['O']),
    extra: { [extraKeys.credentialId]: [`X509SHA256=${hash}`] },
  };
}

function uidOf(certificate: X509Certificate): string | undefined {
  try {
    return certificateUid(certificate.raw);
  } catch {
    // A subject that says two things, or nothing where it should, names nobody.
    throw unauthorized();
  }
}

function listed(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function splitPem(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
