import type { Container, ContainerPort, ObjectMeta, PodSpec } from '../types.ts';
import { deprecationOfNodeLabel, warnAboutNodeTerm } from './node-label-warnings.ts';
import { eachAt } from './paths.ts';
import { warnAboutBytes, warnAboutClaimSpec, warnAboutSource } from './storage-warnings.ts';

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

/** Resources that are counted in bytes. */
const bytes = ['memory', 'ephemeral-storage'];

/** What is deprecated or dubious about a pod spec, in upstream's words. Source: pkg/api/pod/warnings. */
export function warnAboutPodSpec(spec: PodSpec, owner: Owner): string[] {
  const { path } = owner;
  return [
    ...warnAboutLabels(spec, path),
    ...warnAboutAnnotations(owner),
    ...warnAboutVolumes(spec, path),
    ...warnAboutTokenPaths(spec, path),
    ...warnAboutLists(spec, path),
    ...bytes.flatMap(name => warnAboutBytes(`${path}.overhead`, spec.overhead, name)),
    ...warnAboutProfiles(spec, owner),
    ...warnAboutContainers(spec, path),
    ...warnAboutPorts(spec, path),
    ...warnAboutGrace(spec, path),
    ...warnAboutSelectors(spec, path),
  ];
}

function warnAboutLabels(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  for (const key in spec.nodeSelector) {
    const message = deprecationOfNodeLabel(key);
    if (message) warnings.push(`${path}.nodeSelector[${key}]: ${message}`);
  }
  const { requiredDuringSchedulingIgnoredDuringExecution: required, preferredDuringSchedulingIgnoredDuringExecution } =
    spec.affinity?.nodeAffinity ?? {};
  const at = `${path}.affinity.nodeAffinity`;
  eachAt(
    `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`,
    required?.nodeSelectorTerms,
    (termPath, term) => void warnings.push(...warnAboutNodeTerm(termPath, term)),
  );
  eachAt(
    `${at}.preferredDuringSchedulingIgnoredDuringExecution`,
    preferredDuringSchedulingIgnoredDuringExecution,
    (termPath, { preference }) => void warnings.push(...warnAboutNodeTerm(`${termPath}.preference`, preference)),
  );
  eachAt(`${path}.topologySpreadConstraints`, spec.topologySpreadConstraints, (at, { topologyKey, labelSelector }) => {
    const message = deprecationOfNodeLabel(topologyKey);
    if (message) warnings.push(`${at}.topologyKey: ${topologyKey} is ${message}`);
    if (!labelSelector) warnings.push(`${at}.labelSelector: a null labelSelector results in matching no pod`);
  });
  return warnings;
}

function warnAboutAnnotations({ path, metadata }: Owner): string[] {
  const field = annotationsOf(path);
  return Object.keys(metadata?.annotations ?? {}).flatMap(key => {
    const message = deprecatedAnnotations[key];
    return message ? [`${field}[${key}]: ${message}`] : [];
  });
}

/** `spec.template.spec` -> `spec.template.metadata.annotations`. */
function annotationsOf(path: string): string {
  return `${path.slice(0, -'spec'.length)}metadata.annotations`;
}

function warnAboutVolumes(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  eachAt(`${path}.volumes`, spec.volumes, (at, volume) => {
    warnings.push(...warnAboutSource(at, volume));
    const claim = volume.ephemeral?.volumeClaimTemplate;
    if (claim) warnings.push(...warnAboutClaimSpec(`${at}.ephemeral.volumeClaimTemplate.spec`, claim.spec));
  });
  return warnings;
}

/** Files that a token of the service account would hide, whatever volume it is in. */
function warnAboutTokenPaths(spec: PodSpec, path: string): string[] {
  const tokens = new Set<string>();
  for (const { projected } of spec.volumes ?? []) {
    for (const { serviceAccountToken } of projected?.sources ?? [])
      if (serviceAccountToken) tokens.add(serviceAccountToken.path);
  }
  if (tokens.size === 0) return [];
  const warnings: string[] = [];
  const check = (at: string, file: { path: string }) => {
    if (!tokens.has(file.path)) return;
    warnings.push(`${at}: has duplicated path with ServiceAccountToken ${JSON.stringify(file.path)}`);
  };
  eachAt(`${path}.volumes`, spec.volumes, (volumePath, { projected }) => {
    const at = `${volumePath}.projected.sources`;
    for (const source of projected?.sources ?? []) {
      eachAt(`${at}.configMap`, source.configMap?.items, check);
      eachAt(`${at}.secrets`, source.secret?.items, check);
      eachAt(`${at}.downwardAPI`, source.downwardAPI?.items, check);
      if (source.clusterTrustBundle) check(`${at}.ClusterTrustBundle`, source.clusterTrustBundle);
    }
  });
  return warnings;
}

const seccompKey = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerKey = 'container.seccomp.security.alpha.kubernetes.io/';
const appArmorKey = 'container.apparmor.security.beta.kubernetes.io/';
const seccompText = 'non-functional in v1.27+; use the "seccompProfile" field instead';
const appArmorText = 'deprecated since v1.30; use the "appArmorProfile" field instead';

/** Annotations that once chose security profiles, where no field says the same. */
function warnAboutProfiles(spec: PodSpec, { path, metadata }: Owner): string[] {
  const annotations = metadata?.annotations;
  if (!annotations) return [];
  const warnings: string[] = [];
  const warn = (key: string, text: string) => {
    if (key in annotations) warnings.push(`${annotationsOf(path)}[${key}]: ${text}`);
  };
  const ofPod = spec.securityContext;
  if (!ofPod?.seccompProfile) warn(seccompKey, seccompText);
  eachContainer(spec, path, (_at, { name, securityContext }) => {
    if (!securityContext?.seccompProfile) warn(`${seccompContainerKey}${name}`, seccompText);
    if (!ofPod?.appArmorProfile && !securityContext?.appArmorProfile) warn(`${appArmorKey}${name}`, appArmorText);
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
    for (const name of bytes) {
      for (const part of ['limits', 'requests'] as const) {
        warnings.push(...warnAboutBytes(`${at}.resources.${part}`, container.resources?.[part], name));
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
