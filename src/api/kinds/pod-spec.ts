import type { FieldError } from '../kind.ts';
import type { ObjectMeta, PodDNSConfig, PodSpec } from '../types.ts';
import { checkAddress } from './addresses.ts';
import { checkAffinity } from './affinity.ts';
import { type ContainerScope, checkContainers, checkEphemeralContainers, checkInitContainers } from './container.ts';
import { duplicate, invalid, notFound, notSupported, pushInvalid, rangeMessage, required } from './field-error.ts';
import { checkLabels } from './label-selector.ts';
import { checkLabel, checkQualifiedName, checkSubdomain } from './name-rules.ts';
import { eachAt } from './paths.ts';
import { checkPodHostname, checkPodOs } from './pod-host.ts';
import { checkPodResources } from './pod-resources.ts';
import { checkResources } from './resources.ts';
import { checkTolerations, checkTopologySpread } from './scheduling.ts';
import { checkHostUsers, checkPodSecurityContext } from './security-context.ts';
import { checkVolumes } from './volumes.ts';

export interface PodSpecOptions {
  /** True inside a workload: some rules are for pods only. */
  template: boolean;
  /** Of the pod. */
  metadata?: ObjectMeta | undefined;
}

const maxInt32 = 2 ** 31 - 1;
const restartPolicies: readonly string[] = ['Always', 'OnFailure', 'Never'];
const dnsPolicies: readonly string[] = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const preemptionPolicies: readonly string[] = ['PreemptLowerPriority', 'Never'];
const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

/** All rules of a pod's spec, of a pod or a template. Source: core/validation ValidatePodSpec. */
export function checkPodSpec(errors: FieldError[], path: string, spec: PodSpec, options: PodSpecOptions): void {
  if (spec.terminationGracePeriodSeconds === undefined) errors.push(required(`${path}.terminationGracePeriodSeconds`));
  const volumes = checkVolumes(errors, `${path}.volumes`, { volumes: spec.volumes, scope: options });
  const scope = createScope(spec, volumes);
  checkResourceClaims(errors, `${path}.resourceClaims`, spec);
  checkContainers(errors, `${path}.containers`, { spec, scope });
  checkInitContainers(errors, `${path}.initContainers`, { spec, scope });
  checkEphemeralContainers(errors, `${path}.ephemeralContainers`, { spec, scope });
  checkPodResources(errors, `${path}.resources`, { spec, claims: scope.claims });
  checkHostNetworkPorts(errors, path, { spec, template: options.template });
  checkChoices(errors, path, spec);
  if (spec.nodeSelector) checkLabels(errors, `${path}.nodeSelector`, spec.nodeSelector);
  checkPodSecurityContext(errors, path, spec);
  checkAffinity(errors, `${path}.affinity`, spec.affinity);
  checkDns(errors, `${path}.dnsConfig`, { config: spec.dnsConfig, policy: spec.dnsPolicy });
  checkGates(errors, path, spec);
  checkTopologySpread(errors, `${path}.topologySpreadConstraints`, spec.topologySpreadConstraints);
  checkHostUsers(errors, path, spec);
  checkPodHostname(errors, path, spec);
  checkNames(errors, path, spec);
  checkTolerations(errors, `${path}.tolerations`, spec.tolerations);
  eachAt(`${path}.hostAliases`, spec.hostAliases, (at, alias) => {
    checkAddress(errors, `${at}.ip`, alias.ip);
    eachAt(`${at}.hostnames`, alias.hostnames, (name, host) => pushInvalid(errors, name, host, checkSubdomain(host)));
  });
  checkOverhead(errors, `${path}.overhead`, { spec, claims: scope.claims });
  checkPodOs(errors, path, spec);
  checkFileKeyVolumes(errors, path, spec);
}

function createScope(spec: PodSpec, volumes: ContainerScope['volumes']): ContainerScope {
  return {
    volumes,
    claims: new Set((spec.resourceClaims ?? []).map(claim => claim.name)),
    restartPolicy: spec.restartPolicy ?? '',
    hostUsers: spec.hostUsers !== false,
    graceSeconds: spec.terminationGracePeriodSeconds,
    os: spec.os,
  };
}

function checkChoices(errors: FieldError[], path: string, spec: PodSpec): void {
  checkChoice(errors, `${path}.restartPolicy`, { value: spec.restartPolicy ?? '', choices: restartPolicies });
  checkChoice(errors, `${path}.dnsPolicy`, { value: spec.dnsPolicy ?? '', choices: dnsPolicies });
  if (spec.preemptionPolicy !== undefined) {
    checkChoice(errors, `${path}.preemptionPolicy`, { value: spec.preemptionPolicy, choices: preemptionPolicies });
  }
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, rangeMessage(1, maxInt32)));
  }
}

function checkChoice(
  errors: FieldError[],
  path: string,
  { value, choices }: { value: string; choices: readonly string[] },
): void {
  if (!value) errors.push(required(path));
  else if (!choices.includes(value)) errors.push(notSupported(path, value, choices));
}

const nameRules = [
  ['serviceAccountName', checkSubdomain],
  ['nodeName', checkSubdomain],
  ['hostname', checkLabel],
  ['subdomain', checkLabel],
  ['priorityClassName', checkSubdomain],
  ['runtimeClassName', checkSubdomain],
] as const;

function checkNames(errors: FieldError[], path: string, spec: PodSpec): void {
  for (const [field, rule] of nameRules) {
    const value = spec[field];
    if (!value) continue;
    const messages = rule(value);
    if (messages.length > 0) pushInvalid(errors, `${path}.${field}`, value, messages);
  }
}

function checkGates(errors: FieldError[], path: string, spec: PodSpec): void {
  eachAt(`${path}.readinessGates`, spec.readinessGates, (at, { conditionType }) => {
    pushInvalid(errors, `${at}.conditionType`, conditionType, checkQualifiedName(conditionType));
  });
  const seen = new Set<string>();
  eachAt(`${path}.schedulingGates`, spec.schedulingGates, (at, { name }) => {
    pushInvalid(errors, at, name, checkQualifiedName(name));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  });
}

function checkResourceClaims(errors: FieldError[], path: string, spec: PodSpec): void {
  const seen = new Set<string>();
  eachAt(path, spec.resourceClaims, (at, claim) => {
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (!name) errors.push(required(`${at}.name`));
    else if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    else pushInvalid(errors, `${at}.name`, name, checkLabel(name));
    seen.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      const detail = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.push(invalid(at, claim, detail));
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[field];
      if (value !== undefined) pushInvalid(errors, `${at}.${field}`, value, checkSubdomain(value));
    }
  });
}

/** On the host's network a container's port is the host's port. */
function checkHostNetworkPorts(
  errors: FieldError[],
  path: string,
  { spec, template }: { spec: PodSpec; template: boolean },
): void {
  if (!spec.hostNetwork) return;
  eachAt(`${path}.containers`, spec.containers, (at, container) => {
    eachAt(`${at}.ports`, container.ports, (portPath, { hostPort = 0, containerPort }) => {
      if ((template && hostPort === 0) || hostPort === containerPort) return;
      const detail = 'must match `containerPort` when `hostNetwork` is true';
      errors.push(invalid(`${portPath}.hostPort`, hostPort, detail));
    });
  });
}

function checkDns(
  errors: FieldError[],
  path: string,
  { config, policy }: { config: PodDNSConfig | undefined; policy: string | undefined },
): void {
  if (policy === 'None') {
    const when = 'when `dnsPolicy` is None';
    if (!config) return void errors.push(required(path, `must provide \`dnsConfig\` ${when}`));
    if (!config.nameservers?.length) {
      return void errors.push(required(`${path}.nameservers`, `must provide at least one DNS nameserver ${when}`));
    }
  }
  if (!config) return;
  const { nameservers = [], searches = [], options } = config;
  if (nameservers.length > maxNameservers) {
    const detail = `must not have more than ${maxNameservers} nameservers`;
    errors.push(invalid(`${path}.nameservers`, nameservers, detail));
  }
  eachAt(`${path}.nameservers`, nameservers, (at, address) => checkAddress(errors, at, address));
  if (searches.length > maxSearches) {
    errors.push(invalid(`${path}.searches`, searches, `must not have more than ${maxSearches} search paths`));
  }
  if (searches.join(' ').length > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.push(invalid(`${path}.searches`, searches, detail));
  }
  eachAt(`${path}.searches`, searches, (at, search) => {
    if (search === '.') return;
    const name = search.endsWith('.') ? search.slice(0, -1) : search;
    // Underscores at the start and inside of labels are common in search domains.
    pushInvalid(errors, at, name, checkSubdomain(name.replaceAll(/(^|\.)_/g, '$1').replaceAll('_', '-')));
  });
  eachAt(`${path}.options`, options, (at, option) => {
    if (!option.name) errors.push(required(at, 'must not be empty'));
  });
}

function checkOverhead(
  errors: FieldError[],
  path: string,
  { spec, claims }: { spec: PodSpec; claims: ReadonlySet<string> },
): void {
  if (spec.overhead) checkResources(errors, path, { resources: { limits: spec.overhead }, options: { claims } });
}

/** Variables that come out of a file: its volume is an emptyDir of the pod. */
function checkFileKeyVolumes(errors: FieldError[], path: string, spec: PodSpec): void {
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    eachAt(`${path}.${list}`, spec[list] as PodSpec['containers'] | undefined, (at, container) => {
      eachAt(`${at}.env`, container.env, (envPath, variable) => {
        const name = variable.valueFrom?.fileKeyRef?.volumeName;
        if (name === undefined) return;
        const volume = spec.volumes?.find(candidate => candidate.name === name);
        const field = `${envPath}.valueFrom.fileKeyRef.volumeName`;
        if (!volume) errors.push(notFound(field, name));
        else if (!volume.emptyDir) errors.push(invalid(field, name, 'referenced volume must be of type emptyDir'));
      });
    });
  }
}
