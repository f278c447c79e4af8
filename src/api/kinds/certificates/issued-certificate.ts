import { X509Certificate } from 'node:crypto';
import { pemBlocks } from './pem.ts';

/** What is wrong with the certificates (PEM) that a signer has given. Source: certificates validation validateCertificate. */
export function certificateMistake(pem: string): string | undefined {
  if (!pem) return undefined;
  let count = 0;
  for (const { type, hasHeaders, bytes } of pemBlocks(pem)) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (hasHeaders) return 'no PEM block headers are permitted';
    if (bytes.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates';
    count += 1;
    try {
      new X509Certificate(bytes);
    } catch {
      return 'x509: malformed certificate';
    }
  }
  return count === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}
