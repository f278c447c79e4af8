import type { CertificateSigningRequest } from '#api';

/** What the rules of signers look at in a PKCS #10 request. */
export interface ParsedRequest {
  commonName: string;
  organizations: readonly string[];
  dnsNames: readonly string[];
  addresses: readonly string[];
  emails: readonly string[];
  uris: readonly string[];
}

const subjectAlternativeName = '2.5.29.17';

/** Reads the request of an object. Rejects when it is none. */
export async function parseRequest({ spec }: CertificateSigningRequest): Promise<ParsedRequest> {
  // The X.509 library brings its own reflection; it is only loaded where somebody asks for certificates.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await import('@peculiar/x509');
  const request = new Pkcs10CertificateRequest(Buffer.from(spec.request, 'base64').toString('utf8'));
  const raw = request.getExtension(subjectAlternativeName)?.rawData;
  const names = raw ? new SubjectAlternativeNameExtension(raw).names.items : [];
  const ofType = (type: string) => names.filter(name => name.type === type).map(({ value }) => value);
  return {
    commonName: request.subjectName.getField('CN').at(-1) ?? '',
    organizations: request.subjectName.getField('O'),
    dnsNames: ofType('dns'),
    addresses: ofType('ip'),
    emails: ofType('email'),
    uris: ofType('url'),
  };
}

/** When the certificate of an object ends, in ms; undefined when it holds none. Rejects when what it holds is none. */
export async function certificateEndMs({ status }: CertificateSigningRequest): Promise<number | undefined> {
  if (!status?.certificate) return undefined;
  const { X509Certificate } = await import('node:crypto');
  return new X509Certificate(Buffer.from(status.certificate, 'base64')).validToDate.getTime();
}
