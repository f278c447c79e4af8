import type { Service } from '../../types.ts';
import { warnAboutAddress, warnAboutRange } from '../address-warnings.ts';
import { eachAt } from '../paths.ts';

const oldHints = 'service.kubernetes.io/topology-aware-hints';
const newHints = 'service.kubernetes.io/topology-mode';

/** What of a service does nothing, or is written oddly. Source: pkg/api/service/warnings. */
export function warnAboutService(service: Service): string[] {
  const { metadata, spec } = service;
  const warnings: string[] = [];
  if (metadata.annotations?.[oldHints] !== undefined) {
    warnings.push(`annotation ${oldHints} is deprecated, please use ${newHints} instead`);
  }
  const isHeadless = spec.type === 'ClusterIP' && spec.clusterIP === 'None';
  const isExternal = spec.type === 'ExternalName';
  if (isHeadless) warnings.push(...warnAboutHeadless(service));
  warnings.push(...warnAboutAddresses(service));
  if (spec.externalIPs?.length) {
    if (isExternal) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
    else if (!isHeadless) {
      warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
    }
  }
  if (!isExternal && spec.externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}

function warnAboutHeadless({ spec }: Service): string[] {
  const warnings: string[] = [];
  if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
  if (spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored for headless services');
  if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  return warnings;
}

function warnAboutAddresses({ spec }: Service): string[] {
  const warnings: string[] = [];
  const warn = (at: string, value: string) => void warnings.push(...warnAboutAddress(at, value));
  if (spec.clusterIP !== 'None') eachAt('spec.clusterIPs', spec.clusterIPs, warn);
  eachAt('spec.externalIPs', spec.externalIPs, warn);
  if (spec.loadBalancerIP) warn('spec.loadBalancerIP', spec.loadBalancerIP);
  eachAt('spec.loadBalancerSourceRanges', spec.loadBalancerSourceRanges, (at, value) => {
    warnings.push(...warnAboutRange(at, value.trim()));
  });
  return warnings;
}
