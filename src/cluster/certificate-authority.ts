import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { addressFamily, type Random } from '#base';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

export interface LeafRequest {
  /** CN: the user name of a client, the host of a server. */
  commonName: string;
  /** O: the groups of a client. */
  organizations?: readonly string[];
  usage: 'server' | 'client' | 'both';
  /** Host names and addresses for servers. */
  names?: readonly string[];
  /** SubjectPublicKeyInfo PEM, when the key is somebody else's; then `key` of the answer is empty. */
  publicKey?: string;
}

type CryptoKey = webcrypto.CryptoKey;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 60 * 60 * 1000;
/** K3s' life times: leaves a year, authorities ten. */
export const leafDays = 365;
export const authorityDays = 3650;
/** Certificates start a little in the past, for machines whose clocks differ. */
const clockSkewMs = 60 * 60 * 1000;

/** A new self-signed authority. */
export async function createAuthority(options: {
  commonName: string;
  nowMs: number;
  random: Random;
}): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const name = [{ CN: [options.commonName] }];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(options.random),
    name,
    notBefore: new Date(options.nowMs - clockSkewMs),
    notAfter: new Date(options.nowMs + authorityDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem') + '\n', key: await exportKey(keys.privateKey) };
}

/** A certificate signed by the authority, with a key made for it unless the request brings one. */
export async function signLeaf(
  authority: KeyPair,
  request: LeafRequest,
  options: { nowMs: number; random: Random; days?: number },
): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await importKey(authority.key);
  const own = request.publicKey ? undefined : await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const publicKey = own?.publicKey ?? (await new x509.PublicKey(request.publicKey!).export());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(options.random),
    subject: subjectOf(request),
    issuer: issuer.subject,
    notBefore: new Date(options.nowMs - clockSkewMs),
    notAfter: new Date(Math.min(options.nowMs + (options.days ?? leafDays) * dayMs, issuer.notAfter.getTime())),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey,
    extensions: await leafExtensions(request, issuer, publicKey),
  });
  return { certificate: certificate.toString('pem') + '\n', key: own ? await exportKey(own.privateKey) : '' };
}

function subjectOf(request: LeafRequest): x509.JsonName {
  const organizations = (request.organizations ?? []).map(name => ({ O: [name] }));
  return [...organizations, { CN: [request.commonName] }];
}

async function leafExtensions(
  request: LeafRequest,
  issuer: x509.X509Certificate,
  publicKey: CryptoKey,
): Promise<x509.Extension[]> {
  const usages: string[] = [];
  if (request.usage !== 'client') usages.push(x509.ExtendedKeyUsage.serverAuth);
  if (request.usage !== 'server') usages.push(x509.ExtendedKeyUsage.clientAuth);
  const names = (request.names ?? []).map(value => ({ type: addressFamily(value) ? 'ip' : 'dns', value }) as const);
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
    new x509.ExtendedKeyUsageExtension(usages),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ...(names.length ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ];
}

/** 16 random bytes with the top bit clear: positive and unique (RFC 5280, 4.1.2.2). */
export function serialNumber(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}

async function exportKey(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}

export async function importKey(pem: string): Promise<CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
