/** The names in the subject of a certificate request. */
export interface RequestSubject {
  readonly commonName: string | undefined;
  readonly organizations: readonly string[];
}

/** Reads a request (base64 of PEM, as in spec.request); undefined for bytes that are none. */
export async function readRequestSubject(encoded: string): Promise<RequestSubject | undefined> {
  // The X.509 library brings its own reflection; it is only loaded for those few requests.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequest } = await import('@peculiar/x509');
  try {
    const { subjectName } = new Pkcs10CertificateRequest(Buffer.from(encoded, 'base64').toString('utf8'));
    return { commonName: subjectName.getField('CN')[0], organizations: subjectName.getField('O') };
  } catch {
    // The library says little about what is wrong: callers have their own words.
    return undefined;
  }
}
