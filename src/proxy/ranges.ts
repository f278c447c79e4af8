import { cidrAddress, cidrContains, formatCidr, parseCidr } from '#base';

/**
 * IPv4 ranges as nft takes them: `10.42.0.0/16`, `{ 10.0.0.0/8, 192.0.2.7/32 }`. Undefined when there are none. What lies in another range is left out,
 * for nft refuses overlaps; other families too.
 */
export function formatRanges(ranges: readonly string[]): string | undefined {
  const all = ranges.flatMap(text => parseCidr(text) ?? []).filter(({ family }) => family === 4);
  const outer = all.filter(
    one => !all.some(other => other.prefix < one.prefix && cidrContains(other, cidrAddress(one, 0))),
  );
  const texts = [...new Set(outer.map(formatCidr))];
  if (!texts.length) return undefined;
  return texts.length === 1 ? texts[0] : `{ ${texts.join(', ')} }`;
}

/** True when one of the ranges is the whole of IPv4. */
export function isEverywhere(ranges: readonly string[]): boolean {
  return ranges.some(text => {
    const cidr = parseCidr(text);
    return cidr?.family === 4 && cidr.prefix === 0;
  });
}
