import type { Column, KindBehaviour } from '../../kind.ts';
import type { Service, ServiceSpec } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, formatLabels, nameColumn, sortedSet, text, wide } from '../columns.ts';
import { validateService, validateServiceStatus, validateServiceUpdate } from './service-rules.ts';
import { warnAboutService } from './service-warnings.ts';

const affinityTimeoutSeconds = 10_800;
const trafficTypes: ReadonlySet<string> = new Set(['ClusterIP', 'NodePort', 'LoadBalancer']);

function defaults(draft: Service): void {
  const spec = draft.spec;
  defaultAffinity(spec);
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (trafficTypes.has(spec.type)) spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of draft.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
  }
}

function defaultAffinity(spec: ServiceSpec): void {
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinityTimeoutSeconds } };
  }
}

function isExternallyAccessible(spec: ServiceSpec): boolean {
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort') return true;
  return spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0;
}

/** `clusterIP` is the first of `clusterIPs`: whichever the user wrote, both say the same. Old clients know only the first. */
function syncClusterIps(draft: Service, old: Service | undefined): void {
  const spec = draft.spec;
  const { clusterIP } = spec;
  const ips = spec.clusterIPs ?? [];
  if (!old) {
    if (clusterIP && ips.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  const before = old.spec.clusterIP ?? '';
  const sameFirst = (ips[0] ?? '') === (old.spec.clusterIPs?.[0] ?? '');
  if (!clusterIP && before && sameFirst) delete spec.clusterIPs;
  else if (clusterIP && clusterIP !== before && sameFirst) spec.clusterIPs = [clusterIP];
}

/** What only other types have goes away with the type, when the user did not touch it. Source: registry/core/service patchAllocatedValues and dropTypeDependentFields. */
function dropFieldsOfOldType(draft: Service, old: Service): void {
  const spec = draft.spec;
  const before = old.spec;
  const usesPorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  if ((before.type === 'NodePort' || before.type === 'LoadBalancer') && !usesPorts) {
    for (const port of spec.ports ?? []) {
      if (before.ports?.some(p => p.nodePort === port.nodePort && p.port === port.port)) delete port.nodePort;
    }
  }
  if (before.type !== 'ExternalName' && spec.type === 'ExternalName') {
    if (spec.clusterIP === before.clusterIP) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
  }
  if (before.type === 'ExternalName' && spec.type !== 'ExternalName' && spec.externalName === before.externalName) {
    delete spec.externalName;
  }
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') dropLoadBalancerFields(spec, before);
  if (isExternallyAccessible(before) && !isExternallyAccessible(spec)) {
    if (spec.externalTrafficPolicy === before.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  }
  if (spec.type === 'ExternalName') delete spec.internalTrafficPolicy;
}

function dropLoadBalancerFields(spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) {
    delete spec.allocateLoadBalancerNodePorts;
  }
  if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  if (spec.healthCheckNodePort === before.healthCheckNodePort) delete spec.healthCheckNodePort;
}

/** What a user leaves out of an update keeps the value that was allocated. */
function keepAllocated(draft: Service, old: Service): void {
  const spec = draft.spec;
  const before = old.spec;
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && before.clusterIPs && spec.clusterIP === before.clusterIP) {
      spec.clusterIPs = before.clusterIPs;
    }
  }
  const hadPorts = before.type === 'NodePort' || before.type === 'LoadBalancer';
  if (hadPorts && (spec.type === 'NodePort' || spec.type === 'LoadBalancer')) keepNodePorts(spec, before);
  if (needsHealthCheck(before) && needsHealthCheck(spec)) spec.healthCheckNodePort ||= before.healthCheckNodePort;
}

function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const taken = new Set((spec.ports ?? []).map(port => port.nodePort).filter(Boolean));
  for (const port of spec.ports ?? []) {
    if (port.nodePort) continue;
    const same = before.ports?.find(p => p.port === port.port && p.protocol === port.protocol);
    if (same?.nodePort && !taken.has(same.nodePort)) port.nodePort = same.nodePort;
  }
}

function needsHealthCheck(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

function formatExternalIp(service: Service): string {
  const { type, externalIPs = [] } = service.spec;
  if (type === 'ExternalName') return service.spec.externalName ?? '';
  if (type !== 'LoadBalancer') return externalIPs.join(',') || '<none>';
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const balancers = sortedSet(ingress.map(entry => entry.ip || entry.hostname || '').filter(Boolean));
  return [...(balancers ? [balancers] : []), ...externalIPs].join(',') || '<pending>';
}

function formatPorts(service: Service): string {
  const ports = (service.spec.ports ?? []).map(({ port, nodePort, protocol }) => {
    return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
  });
  return ports.join(',') || '<none>';
}

const columns: readonly Column<Service>[] = [
  nameColumn,
  text('Type', 'How the service is exposed.', o => o.spec.type ?? ''),
  text('Cluster-IP', 'Address inside the cluster.', o => o.spec.clusterIPs?.[0] ?? '<none>'),
  text('External-IP', 'Addresses outside the cluster.', formatExternalIp),
  text('Port(s)', 'Ports, with node ports after a colon.', formatPorts),
  ageColumn,
  wide(text('Selector', 'Which pods serve.', o => formatLabels(o.spec.selector))),
];

export const service: KindBehaviour<Service> = {
  shortNames: ['svc'],
  categories: ['all'],
  nameRule: 'label',
  defaults,
  prepareCreate(draft) {
    draft.status = { loadBalancer: {} };
    syncClusterIps(draft, undefined);
    if (draft.spec.type === 'ExternalName') delete draft.spec.internalTrafficPolicy;
  },
  prepareUpdate(draft, old) {
    keepStatus(draft, old);
    if (draft.spec.type !== 'LoadBalancer') draft.status = { ...draft.status, loadBalancer: {} };
    syncClusterIps(draft, old);
    keepAllocated(draft, old);
    dropFieldsOfOldType(draft, old);
  },
  prepareSubresource(draft, old, subresource) {
    if (subresource === 'status') keepAllButStatus(draft, old);
  },
  validateCreate: object => validateService(object, undefined),
  validateUpdate: validateServiceUpdate,
  validateSubresource: validateServiceStatus,
  createOnUpdate: true,
  warnings: warnAboutService,
  columns,
  selectableFields: {
    'spec.clusterIP': o => o.spec.clusterIP ?? '',
    'spec.type': o => o.spec.type ?? '',
  },
};
