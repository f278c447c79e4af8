import type { ServiceCIDR } from '#api';
import { resources } from '#api';
import { type Cidr, formatCidr, parseCidr, type Random } from '#base';
import type { ObjectReader } from '../reader.ts';
import { type AddressRange, createAddressRange, type IpFamily } from './address-range.ts';

/** The name of the ServiceCIDR that is made from the configuration. */
export const defaultRangeName = 'kubernetes';

/** The ranges from which Services get their addresses, as the ServiceCIDRs say; before there is one, as configured. */
export interface ServiceRanges extends Disposable {
  /** In the order in which they are used. Not those that are going, or not ready. */
  ready(family: IpFamily): readonly AddressRange[];
  /** Whether a range that is ready has the address. */
  readyFor(address: string): boolean;
  /** Whether any range has it. */
  has(address: string): boolean;
}

interface Used {
  readonly range: AddressRange;
  readonly isReady: boolean;
}

export function createServiceRanges(options: {
  reader: ObjectReader;
  configured: readonly Cidr[];
  random: Random;
}): ServiceRanges {
  const { reader, configured, random } = options;
  const known = new Map<string, AddressRange>();
  const rangeOf = (cidr: Cidr) => {
    const text = formatCidr(cidr);
    const range = known.get(text) ?? createAddressRange(cidr, random);
    known.set(text, range);
    return range;
  };
  const fallback = configured.map(cidr => ({ range: rangeOf(cidr), isReady: true }));
  let used: readonly Used[] = fallback;
  const watch = reader.onChange(resources.servicecidrs, () => {
    const objects = [...reader.list(resources.servicecidrs)].sort(byUse);
    const found = objects.flatMap(object =>
      cidrsOf(object).map(cidr => ({ range: rangeOf(cidr), isReady: isRangeReady(object) })),
    );
    used = found.length > 0 ? found : fallback;
  });
  return {
    ready: family => used.filter(({ range, isReady }) => isReady && range.family === family).map(({ range }) => range),
    readyFor: address => used.some(({ range, isReady }) => isReady && range.contains(address)),
    has: address => used.some(({ range }) => range.contains(address)),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

/** Invalid ones are nobody's: validation lets none in. */
export function cidrsOf(object: ServiceCIDR): Cidr[] {
  return (object.spec?.cidrs ?? []).flatMap(text => parseCidr(text) ?? []);
}

function byUse(left: ServiceCIDR, right: ServiceCIDR): number {
  const rank = ({ metadata }: ServiceCIDR) => (metadata.name === defaultRangeName ? '' : metadata.name);
  return rank(left) < rank(right) ? -1 : 1;
}

/** As upstream: without the condition it is ready. */
function isRangeReady({ metadata, status }: ServiceCIDR): boolean {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready');
  return !metadata.deletionTimestamp && (condition?.status ?? 'True') === 'True';
}
