export type { DnsServiceConfig } from './dns-service.ts';
export { dnsProxyName, ensureDnsService, serviceProxyNameLabel } from './dns-service.ts';
export type { DnsConfig, DnsDeps } from './start-dns.ts';
export { dnsReads, startDns } from './start-dns.ts';
