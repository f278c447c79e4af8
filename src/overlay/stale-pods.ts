import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cidrContains, parseCidr } from '#base';
import type { Ip } from '#host';
import { networkName } from './config.ts';

/**
 * Deletes the network cards of pods in this node's range that host-local knows nothing of: what a node leaves whose data was deleted, or that was
 * killed while another data folder was used. Their host routes would keep the addresses from the pods that get them next, since ptp leaves a
 * route that is there as it is. Answers the addresses.
 */
export async function removeStalePods(ip: Ip, podCidr: string, cniStateDir: string): Promise<string[]> {
  const range = parseCidr(podCidr);
  if (!range) return [];
  const veths = new Set((await ip.links()).filter(({ kind }) => kind === 'veth').map(({ name }) => name));
  const routes = (await ip.routes({ family: 4 })).filter(
    ({ to, device, via }) => device && veths.has(device) && !via && !to.includes('/') && to !== 'default',
  );
  // Read after the routes: host-local notes an address before ptp makes its route.
  const given = await givenAddresses(cniStateDir);
  const stale = routes.filter(({ to }) => cidrContains(range, to) && !given.has(to));
  await ip.batch([...new Set(stale.map(({ device }) => `link delete ${device}`))]);
  return stale.map(({ to }) => to);
}

async function givenAddresses(cniStateDir: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(join(cniStateDir, networkName)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw error;
  }
}
