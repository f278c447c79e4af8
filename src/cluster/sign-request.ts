import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Random } from '#base';
import { importKey, type KeyPair, serialNumber } from './certificate-authority.ts';

/** What an API user orders of one of the cluster's signers; the signer's rules were checked before. */
export interface SigningOrder {
  /** PKCS #10, PEM. */
  request: string;
  /** `client auth`, `digital signature`: the words of certificates.k8s.io/v1. */
  usages: readonly string[];
  seconds: number;
}

/** Certificates are dated back for machines whose clocks are behind. */
const backdateMs = 5 * 60 * 1000;
/** From this length on the five minutes count as part of it. */
const shortMs = 8 * 60 * 60 * 1000;

const keyUsages: Readonly<Record<string, x509.KeyUsageFlags>> = {
  signing: x509.KeyUsageFlags.digitalSignature,
  'digital signature': x509.KeyUsageFlags.digitalSignature,
  'content commitment': x509.KeyUsageFlags.nonRepudiation,
  'key encipherment': x509.KeyUsageFlags.keyEncipherment,
  'key agreement': x509.KeyUsageFlags.keyAgreement,
  'data encipherment': x509.KeyUsageFlags.dataEncipherment,
  'cert sign': x509.KeyUsageFlags.keyCertSign,
  'crl sign': x509.KeyUsageFlags.cRLSign,
  'encipher only': x509.KeyUsageFlags.encipherOnly,
  'decipher only': x509.KeyUsageFlags.decipherOnly,
};

const subjectAlternativeName = '2.5.29.17';

/** Object identifiers of RFC 5280 and Microsoft's and Netscape's own. */
const extendedUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/** A certificate (PEM) with the request's subject, names and key. Rejects when the request does not prove that it has the key. */
export async function signRequest(
  authority: KeyPair,
  order: SigningOrder,
  { nowMs, random }: { nowMs: number; random: Random },
): Promise<string> {
  const request = new x509.Pkcs10CertificateRequest(order.request);
  if (!(await request.verify())) throw new Error('unable to verify certificate request signature');
  const issuer = new x509.X509Certificate(authority.certificate);
  const lengthMs = order.seconds * 1000;
  const endMs = lengthMs < shortMs ? nowMs + lengthMs : nowMs - backdateMs + lengthMs;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: request.subjectName.toJSON(),
    issuer: issuer.subject,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(Math.min(endMs, issuer.notAfter.getTime())),
    signingAlgorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
    publicKey: request.publicKey,
    signingKey: await importKey(authority.key),
    extensions: await extensionsOf(request, issuer, order.usages),
  });
  return certificate.toString('pem') + '\n';
}

async function extensionsOf(
  request: x509.Pkcs10CertificateRequest,
  issuer: x509.X509Certificate,
  usages: readonly string[],
): Promise<x509.Extension[]> {
  let flags = 0;
  for (const usage of usages) flags |= keyUsages[usage] ?? 0;
  const purposes = [...new Set(usages.flatMap(usage => extendedUsages[usage] ?? []))];
  const raw = request.getExtension(subjectAlternativeName)?.rawData;
  const names = raw && new x509.SubjectAlternativeNameExtension(raw);
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    ...(flags ? [new x509.KeyUsagesExtension(flags, true)] : []),
    ...(purposes.length ? [new x509.ExtendedKeyUsageExtension(purposes)] : []),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ...(names ? [new x509.SubjectAlternativeNameExtension(names.names.toJSON(), names.critical)] : []),
  ];
}
