import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { TlsFiles } from './http-server.ts';

/** Certificates for one test: an authority, a server on loopback, and clients. */
export interface TestCertificates {
  readonly tls: { cert: string; key: string; ca: string };
  /** A client certificate of the same authority; another `authority` makes a foreign one. */
  client(name: string, groups?: readonly string[]): Promise<{ cert: string; key: string }>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const notBefore = new Date('2020-01-01T00:00:00Z');
const notAfter = new Date('2049-01-01T00:00:00Z');

/** Makes a new authority and a server certificate for localhost, 127.0.0.1 and the other host names. */
export async function createTestCertificates(otherNames: readonly string[] = []): Promise<TestCertificates> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: [{ CN: ['test-ca'] }],
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const sign = async (subject: x509.JsonName, usage: string, extensions: x509.Extension[]) => {
    const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)).map((b, i) => (i ? b : 1))).toString(
        'hex',
      ),
      subject,
      issuer: authority.subject,
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions: [new x509.ExtendedKeyUsageExtension([usage]), ...extensions],
    });
    return { cert: certificate.toString('pem'), key: await pemKey(own.privateKey) };
  };
  const names = new x509.SubjectAlternativeNameExtension([
    { type: 'dns', value: 'localhost' },
    { type: 'ip', value: '127.0.0.1' },
    ...otherNames.map(value => ({ type: 'dns', value }) as const),
  ]);
  const server = await sign([{ CN: ['localhost'] }], x509.ExtendedKeyUsage.serverAuth, [names]);
  const tls = { ...server, ca: authority.toString('pem') } satisfies TlsFiles;
  return {
    tls,
    client: (name, groups = []) =>
      sign([...groups.map(group => ({ O: [group] })), { CN: [name] }], x509.ExtendedKeyUsage.clientAuth, []),
  };
}

async function pemKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
}
