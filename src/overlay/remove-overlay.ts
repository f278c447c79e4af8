import type { Ip, Nft } from '#host';
import type { OverlayConfig } from './config.ts';
import { tunnelDevice } from './config.ts';
import { removeMasquerade } from './masquerade.ts';
import { parseNetworkConfig, readNetworkConfig, removeNetworkConfig } from './network-config.ts';
import { removeRangeRoute } from './pod-range.ts';

/**
 * Takes away all that the pod network left in this machine: table, tunnel device with its routes, route of the pod range, network configuration,
 * notes of given-out addresses. What is absent is passed over. Kernel settings stay: others may rely on them by now. Rejects with IpError, NftError
 * or a file error; running it again goes on.
 */
export async function removeOverlay(
  { ip, nft }: { ip: Ip; nft: Nft },
  config: Pick<OverlayConfig, 'cniConfDir' | 'cniStateDir'>,
): Promise<void> {
  const podCidr = parseNetworkConfig((await readNetworkConfig(config.cniConfDir)) ?? '');
  if (podCidr) await removeRangeRoute(ip, podCidr);
  if ((await ip.links()).some(({ name }) => name === tunnelDevice)) await ip.batch([`link delete ${tunnelDevice}`]);
  await removeMasquerade(nft);
  // Last, because it tells what the range was.
  await removeNetworkConfig(config);
}
