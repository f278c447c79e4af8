import type { Container, ContainerPort, ObjectMeta, PodSpec, Volume } from '../types.ts';
import { eachAt } from './paths.ts';
import { isWhole, parseNano } from './quantity.ts';

interface Owner {
  /** Path of the spec: `spec`, `spec.template.spec`. */
  path: string;
  metadata: ObjectMeta | undefined;
}

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

const deprecatedNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

const deprecatedVolumes: Readonly<Partial<Record<keyof Volume, string>>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

/** What is deprecated or dubious about a pod spec, in upstream's words. Source: pkg/api/pod/warnings. */
export function warnAboutPodSpec(spec: PodSpec, owner: Owner): string[] {
  const { path } = owner;
  return [
    ...warnAboutLabels(spec, path),
    ...warnAboutAnnotations(owner),
    ...warnAboutVolumes(spec, path),
    ...warnAboutLists(spec, path),
    ...warnAboutContainers(spec, path),
    ...warnAboutPorts(spec, path),
    ...warnAboutGrace(spec, path),
    ...warnAboutSelectors(spec, path),
  ];
}

function warnAboutLabels(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  for (const key in spec.nodeSelector) {
    const message = deprecatedNodeLabels[key];
    if (message) warnings.push(`${path}.nodeSelector[${key}]: ${message}`);
  }
  eachAt(`${path}.topologySpreadConstraints`, spec.topologySpreadConstraints, (at, { topologyKey, labelSelector }) => {
    const message = deprecatedNodeLabels[topologyKey];
    if (message) warnings.push(`${at}.topologyKey: ${topologyKey} is ${message}`);
    if (!labelSelector) warnings.push(`${at}.labelSelector: a null labelSelector results in matching no pod`);
  });
  return warnings;
}

function warnAboutAnnotations({ path, metadata }: Owner): string[] {
  const prefix = path.replace(/\.?spec$/, '');
  const field = prefix ? `${prefix}.metadata.annotations` : 'metadata.annotations';
  return Object.keys(metadata?.annotations ?? {}).flatMap(key => {
    const message = deprecatedAnnotations[key];
    return message ? [`${field}[${key}]: ${message}`] : [];
  });
}

function warnAboutVolumes(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  eachAt(`${path}.volumes`, spec.volumes, (at, volume) => {
    for (const kind in deprecatedVolumes) {
      if (!volume[kind as keyof Volume]) continue;
      const name = kind === 'storageos' ? 'storageOS' : kind;
      warnings.push(`${at}.${name}: ${deprecatedVolumes[kind as keyof Volume]}`);
    }
  });
  return warnings;
}

function warnAboutLists(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  const ips = new Set<string>();
  eachAt(`${path}.hostAliases`, spec.hostAliases, (at, { ip }) => {
    if (ips.has(ip)) warnings.push(`${at}.ip: duplicate ip ${JSON.stringify(ip)}`);
    ips.add(ip);
  });
  const names = new Set<string>();
  eachAt(`${path}.imagePullSecrets`, spec.imagePullSecrets, (at, { name = '' }) => {
    if (names.has(name)) warnings.push(`${at}.name: duplicate name ${JSON.stringify(name)}`);
    if (name === '') warnings.push(`${at}.name: invalid empty name ""`);
    names.add(name);
  });
  return warnings;
}

function eachContainer(spec: PodSpec, path: string, visit: (path: string, container: Container) => void): void {
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    eachAt(`${path}.${list}`, spec[list] as Container[] | undefined, visit);
  }
}

function warnAboutContainers(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  eachContainer(spec, path, (at, container) => {
    for (const name of ['memory', 'ephemeral-storage']) {
      for (const part of ['limits', 'requests'] as const) {
        const value = container.resources?.[part]?.[name];
        if (value === undefined || isWhole(parseNano(value) ?? 0n)) continue;
        const detail = `fractional byte value ${JSON.stringify(value)} is invalid, must be an integer`;
        warnings.push(`${at}.resources.${part}[${name}]: ${detail}`);
      }
    }
    const names = new Set<string>();
    eachAt(`${at}.env`, container.env, (envPath, { name, value = '', valueFrom }) => {
      const reference = `$(${name})`;
      const hides = valueFrom !== undefined || value === reference || !value.includes(reference);
      if (names.has(name) && hides) {
        const subject = JSON.stringify(name);
        warnings.push(`${envPath}: hides previous definition of ${subject}, which may be dropped when using apply`);
      }
      names.add(name);
    });
  });
  return warnings;
}

function warnAboutPorts(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  const known: { at: string; port: ContainerPort }[] = [];
  const names = new Map<string, string>();
  eachContainer(spec, path, (containerPath, container) => {
    eachAt(`${containerPath}.ports`, container.ports, (at, port) => {
      for (const other of known) {
        const overlap = describeOverlap(port, other.port);
        if (overlap) warnings.push(`${at}: ${overlap} port definition with ${other.at}`);
      }
      known.push({ at, port });
      const first = port.name ? names.get(port.name) : undefined;
      if (first) {
        const rest = `services and probes that select ports by name will use ${first}`;
        warnings.push(`${at}: duplicate port name ${JSON.stringify(port.name)} with ${first}, ${rest}`);
      } else if (port.name) names.set(port.name, at);
    });
  });
  return warnings;
}

function describeOverlap(a: ContainerPort, b: ContainerPort): string | undefined {
  if (a.containerPort !== b.containerPort || a.protocol !== b.protocol) return undefined;
  const [hostA = 0, hostB = 0, ipA = '', ipB = ''] = [a.hostPort, b.hostPort, a.hostIP, b.hostIP];
  if (ipA === ipB && hostA === hostB) return 'duplicate';
  if (hostA === 0 || hostB === 0) return 'overlapping';
  return hostA === hostB && (ipA === '') !== (ipB === '') ? 'dangerously ambiguous' : undefined;
}

function warnAboutGrace(spec: PodSpec, path: string): string[] {
  if ((spec.terminationGracePeriodSeconds ?? 0) >= 0) return [];
  const text = 'must be >= 0; negative values are invalid and will be treated as 1';
  return [`${path}.terminationGracePeriodSeconds: ${text}`];
}

function warnAboutSelectors(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  const text = 'a null labelSelector results in matching no pod';
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const affinity = spec.affinity?.[kind];
    const at = `${path}.affinity.${kind}`;
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
    eachAt(`${at}.requiredDuringSchedulingIgnoredDuringExecution`, required, (term, { labelSelector }) => {
      if (!labelSelector) warnings.push(`${term}.labelSelector: ${text}`);
    });
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution;
    eachAt(`${at}.preferredDuringSchedulingIgnoredDuringExecution`, preferred, (term, { podAffinityTerm }) => {
      if (!podAffinityTerm.labelSelector) warnings.push(`${term}.podAffinityTerm.labelSelector: ${text}`);
    });
  }
  return warnings;
}
