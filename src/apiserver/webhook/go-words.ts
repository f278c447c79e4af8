import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import type { Address } from './service-endpoint.ts';

/** What Node knows of a failed connection. */
type NodeError = Error & {
  code?: string;
  syscall?: string;
  hostname?: string;
  /** Of ERR_TLS_CERT_ALTNAME_INVALID. */
  host?: string;
  cert?: Partial<PeerCertificate>;
};

/** Errors of connect(2), as Go prints them. */
const connectTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
  EADDRNOTAVAIL: 'connect: cannot assign requested address',
  EINVAL: 'connect: invalid argument',
};

const unknownAuthority = 'x509: certificate signed by unknown authority';
const outOfTime = 'x509: certificate has expired or is not yet valid';
const certificateTexts: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  INVALID_CA: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_HAS_EXPIRED: outOfTime,
  CERT_NOT_YET_VALID: outOfTime,
  INVALID_PURPOSE: 'x509: certificate specifies an incompatible key usage',
};

/** What went wrong with a connection, in the words of Go's net/http, which people search for. Unknown errors keep their own text. */
export function describeFailure(error: unknown, address: Address): string {
  const { code = '', message, syscall, hostname } = error as NodeError;
  const connectText = connectTexts[code];
  if (connectText && syscall !== 'read' && syscall !== 'write')
    return `dial tcp ${formatAddress(address)}: ${connectText}`;
  if (syscall === 'getaddrinfo') return `dial tcp: lookup ${hostname ?? address.host}: no such host`;
  const certificateText = certificateTexts[code];
  if (certificateText) return `tls: failed to verify certificate: ${certificateText}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `tls: failed to verify certificate: ${describeNames(error as NodeError)}`;
  if (code === 'EPROTO' && /wrong version number|packet length too long/.test(message))
    return 'http: server gave HTTP response to HTTPS client';
  if (code === 'ECONNRESET' && syscall === undefined) return 'EOF';
  if (code === 'ECONNRESET') return `read tcp ${formatAddress(address)}: read: connection reset by peer`;
  if (code === 'EPIPE') return `write tcp ${formatAddress(address)}: write: broken pipe`;
  return message;
}

/** Go's x509.HostnameError. */
function describeNames({ host = '', cert }: NodeError): string {
  const names = (cert?.subjectaltname ?? '').split(', ').filter(Boolean);
  const valuesOf = (type: string) =>
    names.filter(name => name.startsWith(`${type}:`)).map(name => name.slice(type.length + 1));
  if (isIP(host)) {
    const addresses = valuesOf('IP Address');
    if (addresses.length === 0)
      return `x509: cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
    return `x509: certificate is valid for ${addresses.join(', ')}, not ${host}`;
  }
  if (names.length === 0) return 'x509: certificate relies on legacy Common Name field, use SANs instead';
  const hosts = valuesOf('DNS');
  if (hosts.length === 0) return `x509: certificate is not valid for any names, but wanted to match ${host}`;
  return `x509: certificate is valid for ${hosts.join(', ')}, not ${host}`;
}

export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
