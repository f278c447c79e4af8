import type { FieldError } from '../../kind.ts';
import type { ServiceSpec } from '../../types.ts';
import { addressFamily, checkAddress } from '../addresses.ts';
import { duplicate, invalid, notSupported, required } from '../field-error.ts';

const families: readonly string[] = ['IPv4', 'IPv6'];
const policies: readonly string[] = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const fixed = 'may not change once set';

/** `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` fit each other. */
export function checkServiceAddresses(errors: FieldError[], spec: ServiceSpec): void {
  const ips = spec.clusterIPs ?? [];
  if (spec.clusterIP) {
    if (ips.length === 0) errors.push(required('spec.clusterIPs'));
    else if (ips[0] !== spec.clusterIP) {
      errors.push(invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`'));
    }
  } else if (ips.length > 0) {
    errors.push(invalid('spec.clusterIPs', ips, 'must be empty when `clusterIP` is not specified'));
  }
  checkFamilies(errors, spec);
  checkIps(errors, spec, ips);
}

function checkFamilies(errors: FieldError[], spec: ServiceSpec): void {
  const seen = new Set<string>();
  (spec.ipFamilies ?? []).forEach((family, index) => {
    const path = `spec.ipFamilies[${index}]`;
    if (!families.includes(family)) errors.push(notSupported(path, family, families));
    if (seen.has(family)) errors.push(duplicate(path, family));
    seen.add(family);
  });
  if (spec.ipFamilyPolicy !== undefined && !policies.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies));
  }
}

function checkIps(errors: FieldError[], spec: ServiceSpec, ips: readonly string[]): void {
  const before = errors.length;
  ips.forEach((ip, index) => {
    if (index === 0 && ip === 'None') {
      if (ips.length > 1) errors.push(invalid('spec.clusterIPs', ips, "'None' must be the first and only value"));
    } else checkAddress(errors, `spec.clusterIPs[${index}]`, ip);
  });
  const wrong = errors.length > before;
  if (ips.length > 2) errors.push(invalid('spec.clusterIPs', ips, 'may only hold up to 2 values'));
  if (wrong) return;
  if (ips.length > 1 && new Set(ips.map(addressFamily)).size !== 2) {
    errors.push(invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'));
  }
  if (ips[0] === 'None') return;
  ips.forEach((ip, index) => {
    const family = spec.ipFamilies?.[index];
    if (family && family !== `IPv${addressFamily(ip)}`) {
      const detail = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
      errors.push(invalid(`spec.clusterIPs[${index}]`, ip, detail));
    }
  });
}

/** Addresses and families stay; only the second ones may come and go. */
export function checkServiceAddressesUpdate(errors: FieldError[], spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return;
  const headless = spec.clusterIPs?.[0] === 'None';
  const oldHeadless = old.clusterIPs?.[0] === 'None';
  if (!(headless && oldHeadless)) {
    checkList(errors, spec, { field: 'clusterIPs', now: spec.clusterIPs ?? [], before: old.clusterIPs ?? [] });
  }
  if (!headless && !oldHeadless) {
    checkList(errors, spec, { field: 'ipFamilies', now: spec.ipFamilies ?? [], before: old.ipFamilies ?? [] });
  }
}

interface ListChange {
  field: 'clusterIPs' | 'ipFamilies';
  now: readonly string[];
  before: readonly string[];
}

function checkList(errors: FieldError[], spec: ServiceSpec, { field, now, before }: ListChange): void {
  const path = `spec.${field}`;
  const one = field === 'clusterIPs' ? 'clusterIP' : 'ipFamily';
  if (now.length === before.length) {
    now.forEach((value, index) => {
      if (value !== before[index]) {
        errors.push(invalid(`${path}[${field === 'clusterIPs' ? index : 0}]`, now, fixed));
      }
    });
    return;
  }
  if (now.length === 0 && before.length > 0) {
    errors.push(invalid(`${path}[0]`, now, `primary ${one} can not be unset`));
  } else if (before.length > 0 && now[0] !== before[0]) errors.push(invalid(`${path}[0]`, now, fixed));
  if (before.length > now.length && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const detail = `must be set to 'SingleStack' when releasing the secondary ${one}`;
    errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail));
  }
}
