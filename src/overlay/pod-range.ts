import type { Ip } from '#host';

/**
 * Answers for addresses of this node's range that no pod has: without it a packet for a pod that is gone would follow the default route out of
 * the cluster. The host route of a pod is more specific and wins.
 */
export async function ensureRangeRoute(ip: Ip, podCidr: string, earlier: string | undefined): Promise<void> {
  const lines = [];
  if (earlier && earlier !== podCidr && (await hasRangeRoute(ip, earlier))) lines.push(removal(earlier));
  if (!(await hasRangeRoute(ip, podCidr))) lines.push(`route replace unreachable ${podCidr}`);
  await ip.batch(lines);
}

export async function removeRangeRoute(ip: Ip, podCidr: string): Promise<void> {
  if (await hasRangeRoute(ip, podCidr)) await ip.batch([removal(podCidr)]);
}

/** Of all routes only those that lead nowhere have no device. */
async function hasRangeRoute(ip: Ip, podCidr: string): Promise<boolean> {
  return (await ip.routes({ family: 4 })).some(({ to, device, via }) => to === podCidr && !device && !via);
}

function removal(podCidr: string): string {
  return `route delete unreachable ${podCidr}`;
}
