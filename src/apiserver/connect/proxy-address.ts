import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { cidrContains, parseCidr } from '#base';
import { badRequest } from '../access/refuse.ts';

/** What is no address of a pod or node but of this machine itself, of its neighbours, or of nobody. Source: net.IP.IsGlobalUnicast, CVE-2020-8562. */
const reserved = [
  '0.0.0.0/32',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/128',
  '::1/128',
  '::ffff:0:0/96',
  'fe80::/10',
  'ff00::/8',
];

/** False for addresses behind which the API server, or a cloud's metadata, would answer instead of a pod. */
export function isProxyable(address: string): boolean {
  return isIP(address) > 0 && !reserved.some(range => cidrContains(parseCidr(range)!, address));
}

/** Throws 400 unless every address of the host may be reached through a proxy. */
export async function checkProxyable(host: string): Promise<void> {
  const addresses = isIP(host) ? [host] : await addressesOf(host);
  if (!addresses.every(isProxyable)) throw badRequest('address not allowed');
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    // Upstream's words for a host without addresses, whatever the resolver said.
    throw badRequest('no addresses for hostname');
  }
}
