import { parseCidr } from '#base';
import type { Nft } from '#host';
import { tableName, tunnelDevice } from './config.ts';

/** Never leave the link, so there is nobody beyond it to answer to another address. */
const linkRanges = ['224.0.0.0/4', '169.254.0.0/16'];

/**
 * The whole table of this room as one transaction, which replaces the table that was there.
 * Pods that talk to the world outside get the node's address. Into the tunnel go only pod addresses: an answer to anything else would take
 * another way back.
 */
export function formatMasquerade(clusterCidrs: readonly string[]): string {
  const pods = clusterCidrs.filter(cidr => parseCidr(cidr)?.family === 4);
  const rules = [
    `oifname "${tunnelDevice}" ip saddr != ${formatSet(pods)} masquerade fully-random`,
    `ip saddr ${formatSet(pods)} ip daddr != ${formatSet([...pods, ...linkRanges])} masquerade fully-random`,
  ];
  return [
    `add table inet ${tableName}`,
    `delete table inet ${tableName}`,
    `add table inet ${tableName}`,
    `add chain inet ${tableName} postrouting { type nat hook postrouting priority srcnat; policy accept; }`,
    ...(pods.length ? rules : []).map(rule => `add rule inet ${tableName} postrouting ${rule}`),
    '',
  ].join('\n');
}

/** Sets the table up when it is not there: after a start, and after a stranger's flush. */
export async function ensureMasquerade(nft: Nft, clusterCidrs: readonly string[]): Promise<boolean> {
  if (await hasTable(nft)) return false;
  await nft.run(formatMasquerade(clusterCidrs));
  return true;
}

export async function removeMasquerade(nft: Nft): Promise<void> {
  if (await hasTable(nft)) await nft.run(`delete table inet ${tableName}\n`);
}

async function hasTable(nft: Nft): Promise<boolean> {
  return (await nft.tables()).some(({ family, name }) => family === 'inet' && name === tableName);
}

function formatSet(members: readonly string[]): string {
  return `{ ${members.join(', ')} }`;
}
