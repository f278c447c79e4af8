import type { Service, ServiceSpec } from '#api';
import { addressFamily } from '#base';
import { type Cause, invalid } from '../access/refuse.ts';
import type { IpFamily } from './address-range.ts';

/**
 * Fills in ipFamilyPolicy and ipFamilies, and checks them against what the cluster has. `families` are the cluster's, the default first. Throws 422
 * with upstream's texts. After registry/core/service/storage alloc.go.
 */
export function settleFamilies(service: Service, old: Service | undefined, families: readonly IpFamily[]): void {
  const { spec } = service;
  if (spec.type === 'ExternalName') return;
  const isOpenHeadless = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (isOpenHeadless ? 'RequireDualStack' : 'SingleStack');
  if (old && spec.ipFamilyPolicy === 'SingleStack') dropSecond(spec, old.spec);
  refuseIfAny(service, [...checkPolicy(spec), ...inferFamilies(spec, families)]);
  if (isOpenHeadless) {
    addFamilies(spec, families[0] ?? 'IPv4', spec.ipFamilyPolicy !== 'SingleStack');
    return;
  }
  refuseIfAny(service, checkCluster(spec, families));
  const wantsBoth = spec.ipFamilyPolicy !== 'SingleStack' && families.length === 2;
  addFamilies(spec, families[0] ?? 'IPv4', wantsBoth);
}

function refuseIfAny(service: Service, errors: readonly Cause[]): void {
  if (errors.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name, errors);
}

/** Going to one family without saying which keeps the first. */
function dropSecond(spec: ServiceSpec, before: ServiceSpec): void {
  const same = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);
  if (spec.clusterIPs && spec.clusterIPs.length > 1 && same(spec.clusterIPs, before.clusterIPs)) {
    spec.clusterIPs = spec.clusterIPs.slice(0, 1);
  }
  if (spec.ipFamilies && spec.ipFamilies.length > 1 && same(spec.ipFamilies, before.ipFamilies)) {
    spec.ipFamilies = spec.ipFamilies.slice(0, 1);
  }
}

function checkPolicy(spec: ServiceSpec): Cause[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const both = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  return [
    ...(spec.clusterIPs?.length === 2
      ? [wrong('spec.ipFamilyPolicy', spec.ipFamilyPolicy, `${both} cluster IPs are specified`)]
      : []),
    ...(spec.ipFamilies?.length === 2
      ? [wrong('spec.ipFamilyPolicy', spec.ipFamilyPolicy, `${both} IP families are specified`)]
      : []),
  ];
}

function inferFamilies(spec: ServiceSpec, families: readonly IpFamily[]): Cause[] {
  const errors: Cause[] = [];
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    const number = addressFamily(address);
    if (number === undefined || index < (spec.ipFamilies?.length ?? 0)) continue;
    const family: IpFamily = number === 4 ? 'IPv4' : 'IPv6';
    if (families.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      errors.push(wrong(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  return errors;
}

function checkCluster(spec: ServiceSpec, families: readonly IpFamily[]): Cause[] {
  const errors: Cause[] = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack' && families.length < 2) {
    const why = 'this cluster is not configured for dual-stack services';
    errors.push(wrong('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why));
  }
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (families.includes(family as IpFamily)) continue;
    errors.push(wrong(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  }
  return errors;
}

function addFamilies(spec: ServiceSpec, first: IpFamily, both: boolean): void {
  if (!spec.ipFamilies?.length) spec.ipFamilies = [first];
  if (both && spec.ipFamilies.length === 1) {
    spec.ipFamilies = [...spec.ipFamilies, spec.ipFamilies[0] === 'IPv4' ? 'IPv6' : 'IPv4'];
  }
}

/** A FieldValueInvalid with its value as JSON. */
export function wrong(field: string, value: unknown, why: string): Cause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}` };
}
