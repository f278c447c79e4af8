import type { Nft, Sysctl } from '#host';
import { routeLocalnet, table, tableName } from './config.ts';

/**
 * Deletes the table; fine when there is none. With `sysctl` it first takes back that loopback addresses may be routed, whose guard is in the table: pass
 * it wherever the proxy ran with `localhostPorts`. Rejects with NftError or SysctlError.
 */
export async function removeProxy({ nft, sysctl }: { nft: Nft; sysctl?: Sysctl | undefined }): Promise<void> {
  const isThere = (await nft.tables()).some(({ family, name }) => family === 'ip' && name === tableName);
  if (!isThere) return;
  if ((await sysctl?.read(routeLocalnet)) === '1') await sysctl?.write(routeLocalnet, 0);
  await nft.run(`delete table ${table}\n`);
}
