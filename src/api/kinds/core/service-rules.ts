import type { FieldError } from '../../kind.ts';
import type { Service, ServiceSpec } from '../../types.ts';
import { addressFamily, checkAddress, checkCidr } from '../addresses.ts';
import { forbidden, invalid, notSupported, pushInvalid, rangeMessage, required } from '../field-error.ts';
import { checkLabels } from '../label-selector.ts';
import { checkQualifiedName, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkEndpointAddress } from './endpoints-rules.ts';
import { checkServiceAddresses, checkServiceAddressesUpdate } from './service-address-rules.ts';
import { checkServicePorts } from './service-port-rules.ts';

const serviceTypes: readonly string[] = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const affinities: readonly string[] = ['ClientIP', 'None'];
const trafficPolicies: readonly string[] = ['Cluster', 'Local'];
const distributions: readonly string[] = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const ipModes: readonly string[] = ['Proxy', 'VIP'];
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const topologyHints = 'service.kubernetes.io/topology-aware-hints';
const topologyMode = 'service.kubernetes.io/topology-mode';
const sourceRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const maxAffinitySeconds = 86_400;

/** All rules of a service's content; `old` excuses what was wrong before. */
export function validateService(service: Service, old: Service | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const spec = service.spec;
  checkTopology(errors, service);
  checkType(errors, spec);
  checkServicePorts(errors, spec);
  if (spec.selector) checkLabels(errors, 'spec.selector', spec.selector);
  checkAffinity(errors, spec);
  if (spec.type !== 'ExternalName') checkServiceAddresses(errors, spec);
  (spec.externalIPs ?? []).forEach((ip, index) => {
    const path = `spec.externalIPs[${index}]`;
    if (old?.spec.externalIPs?.includes(ip)) return;
    if (checkAddress(errors, path, ip)) checkEndpointAddress(errors, path, ip);
  });
  if (!spec.type) errors.push(required('spec.type'));
  else if (!serviceTypes.includes(spec.type)) errors.push(notSupported('spec.type', spec.type, serviceTypes));
  checkSourceRanges(errors, service, old);
  checkLoadBalancer(errors, spec);
  checkTraffic(errors, spec);
  return errors;
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors: FieldError[] = [];
  checkServiceAddressesUpdate(errors, service.spec, old.spec);
  const balancers = service.spec.type === 'LoadBalancer' && old.spec.type === 'LoadBalancer';
  if (balancers && service.spec.loadBalancerClass !== old.spec.loadBalancerClass) {
    errors.push(invalid('spec.loadBalancerClass', service.spec.loadBalancerClass, 'may not change once set'));
  }
  if (balancers && service.spec.externalTrafficPolicy === 'Local' && old.spec.externalTrafficPolicy === 'Local') {
    if (service.spec.healthCheckNodePort !== old.spec.healthCheckNodePort) {
      errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
    }
  }
  return [...errors, ...validateService(service, old)];
}

export function validateServiceStatus(service: Service): FieldError[] {
  const errors: FieldError[] = [];
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const path = 'status.loadBalancer.ingress';
  if (service.spec.type !== 'LoadBalancer' && ingress.length > 0) {
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  ingress.forEach((entry, index) => {
    const at = `${path}[${index}]`;
    if (entry.ip) checkAddress(errors, `${at}.ip`, entry.ip);
    if (entry.ipMode === undefined) {
      if (entry.ip) errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'));
    } else if (!entry.ip) {
      errors.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    } else if (!ipModes.includes(entry.ipMode)) {
      errors.push(notSupported(`${at}.ipMode`, entry.ipMode, ipModes));
    }
    if (entry.hostname) {
      pushInvalid(errors, `${at}.hostname`, entry.hostname, checkSubdomain(entry.hostname));
      if (addressFamily(entry.hostname) !== undefined) {
        errors.push(invalid(`${at}.hostname`, entry.hostname, 'must be a DNS name, not an IP address'));
      }
    }
  });
  return errors;
}

function checkType(errors: FieldError[], spec: ServiceSpec): void {
  const headless = spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';
  if (!spec.ports?.length && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  if (headless && (spec.type === 'LoadBalancer' || spec.type === 'NodePort')) {
    errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type !== 'ExternalName') return;
  const detail = 'may not be set for ExternalName services';
  if (spec.clusterIPs?.length) errors.push(forbidden('spec.clusterIPs', detail));
  if (spec.ipFamilies?.length) errors.push(forbidden('spec.ipFamilies', detail));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden('spec.ipFamilyPolicy', detail));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name) pushInvalid(errors, 'spec.externalName', name, checkSubdomain(name));
  else errors.push(required('spec.externalName'));
}

function checkAffinity(errors: FieldError[], spec: ServiceSpec): void {
  const path = 'spec.sessionAffinityConfig';
  if (!spec.sessionAffinity) errors.push(required('spec.sessionAffinity'));
  else if (!affinities.includes(spec.sessionAffinity)) {
    errors.push(notSupported('spec.sessionAffinity', spec.sessionAffinity, affinities));
  }
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) {
    errors.push(forbidden(path, 'must not be set when session affinity is None'));
  }
  if (spec.sessionAffinity !== 'ClientIP') return;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined) {
    errors.push(required(`${path}.clientIP.timeoutSeconds`, 'when session affinity type is ClientIP'));
  } else if (seconds <= 0 || seconds > maxAffinitySeconds) {
    const detail = `must be greater than 0 and less than ${maxAffinitySeconds}`;
    errors.push(invalid(`${path}.clientIP.timeoutSeconds`, seconds, detail));
  }
}

/** The old annotation and the new one say the same. */
function checkTopology(errors: FieldError[], { metadata }: Service): void {
  const [hints, mode] = [metadata.annotations?.[topologyHints], metadata.annotations?.[topologyMode]];
  if (hints === undefined || mode === undefined || hints === mode) return;
  const detail = `must match annotations[${topologyHints}] when both are specified`;
  errors.push(invalid(`metadata.annotations[${topologyMode}]`, mode, detail));
}

/** Who may reach a load balancer: in the spec, or as it was before that had a member for it. Spaces around a range are fine. */
function checkSourceRanges(errors: FieldError[], { metadata, spec }: Service, old: Service | undefined): void {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const noted = metadata.annotations?.[sourceRanges];
  if (ranges.length === 0 && noted === undefined) return;
  const path = ranges.length > 0 ? 'spec.LoadBalancerSourceRanges' : `metadata.annotations[${sourceRanges}]`;
  if (spec.type !== 'LoadBalancer') errors.push(forbidden(path, onlyLoadBalancer));
  if (ranges.length > 0) {
    const known = (old?.spec.loadBalancerSourceRanges ?? []).map(range => range.trim());
    eachAt(path, ranges, (at, range) => checkCidr(errors, at, range.trim(), known));
  } else if (noted?.trim() && noted !== old?.metadata.annotations?.[sourceRanges]) {
    for (const range of noted.trim().split(',')) checkCidr(errors, path, range.trim());
  }
}

function checkLoadBalancer(errors: FieldError[], spec: ServiceSpec): void {
  const balancer = spec.type === 'LoadBalancer';
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balancer) {
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', onlyLoadBalancer));
  }
  if (spec.loadBalancerClass === undefined) return;
  if (!balancer) errors.push(forbidden('spec.loadBalancerClass', onlyLoadBalancer));
  else {
    pushInvalid(errors, 'spec.loadBalancerClass', spec.loadBalancerClass, checkQualifiedName(spec.loadBalancerClass));
  }
}

function checkTraffic(errors: FieldError[], spec: ServiceSpec): void {
  checkExternalPolicy(errors, spec);
  const internal = spec.internalTrafficPolicy;
  if (internal === undefined && spec.type !== 'ExternalName' && serviceTypes.includes(spec.type ?? '')) {
    errors.push(required('spec.internalTrafficPolicy'));
  } else if (internal !== undefined && !trafficPolicies.includes(internal)) {
    errors.push(notSupported('spec.internalTrafficPolicy', internal, trafficPolicies));
  }
  if (spec.trafficDistribution !== undefined && !distributions.includes(spec.trafficDistribution)) {
    errors.push(notSupported('spec.trafficDistribution', spec.trafficDistribution, distributions));
  }
}

function checkExternalPolicy(errors: FieldError[], spec: ServiceSpec): void {
  const policy = spec.externalTrafficPolicy;
  const exposed =
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
  if (!exposed) {
    if (policy) {
      const detail = 'may only be set for externally-accessible services';
      errors.push(invalid('spec.externalTrafficPolicy', policy, detail));
    }
  } else if (!policy) errors.push(required('spec.externalTrafficPolicy'));
  else if (!trafficPolicies.includes(policy)) {
    errors.push(notSupported('spec.externalTrafficPolicy', policy, trafficPolicies));
  }
  const port = spec.healthCheckNodePort ?? 0;
  if (spec.type !== 'LoadBalancer' || policy !== 'Local') {
    if (port !== 0) {
      const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      errors.push(invalid('spec.healthCheckNodePort', port, detail));
    }
  } else if (port !== 0 && (port < 1 || port > 65535)) {
    errors.push(invalid('spec.healthCheckNodePort', port, rangeMessage(1, 65535)));
  }
}
