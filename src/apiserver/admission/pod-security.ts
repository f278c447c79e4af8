import type { KubeObject, Namespace, ObjectMeta, Pod, PodSpec } from '#api';
import { resources } from '#api';
import type { Meter } from '#base';
import { type Cause, invalid, quote } from '../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { baselineChecks } from './pod-security-baseline.ts';
import { type Check, containersOf, type PodShape } from './pod-security-checks.ts';
import { defaultPodSecurity, type PodSecurityConfig } from './pod-security-config.ts';
import { createPodSecurityMeters, type PodSecurityMeters } from './pod-security-meters.ts';
import {
  describePolicy,
  type Policies,
  type Policy,
  podSecurityModes,
  podSecurityPrefix,
  readPolicies,
  strictness,
  versionOf,
} from './pod-security-policy.ts';
import { restrictedChecks } from './pod-security-restricted.ts';
import { draftOf, isAbout, oldOf, refuse } from './request.ts';

/** Pods that a namespace's new level is tried on, as upstream. */
const namespacePodLimit = 3000;

/** Kinds that carry a pod template: their pods would be refused later, so they are warned about now. */
const templates: readonly { group: string; resource: string }[] = [
  resources.podtemplates,
  resources.replicationcontrollers,
  resources.replicasets,
  resources.deployments,
  resources.statefulsets,
  resources.daemonsets,
  resources.jobs,
  resources.cronjobs,
];

interface Judge {
  readonly reader: ObjectReader;
  readonly config: PodSecurityConfig;
  readonly meters: PodSecurityMeters;
}

/** The Pod Security Standards, chosen by labels of the namespace (KEP-2579), where these say nothing by the configuration. */
export function createPodSecurity(
  reader: ObjectReader,
  { meter, config = defaultPodSecurity }: { meter: Meter; config?: PodSecurityConfig | undefined },
): AdmissionPlugin {
  const judge: Judge = { reader, config, meters: createPodSecurityMeters(meter) };
  return {
    name: 'PodSecurity',
    validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (isAbout(request, resources.namespaces)) return checkNamespace(judge, request);
      if (isAbout(request, resources.pods) || isAbout(request, resources.pods, 'ephemeralcontainers')) {
        return checkPod(judge, request);
      }
      if (templates.some(resource => isAbout(request, resource))) checkTemplate(judge, request);
    },
  };
}

/** What a policy says against a pod: `reason (detail), reason (detail)`; undefined when it may run. */
export function evaluatePod(policy: Policy, pod: PodShape, part: 'detail' | 'reason' = 'detail'): string | undefined {
  if (policy.level === 'privileged') return undefined;
  const minor = policy.minor ?? Number.POSITIVE_INFINITY;
  const applies = (check: Check) => check.since <= minor && (check.until === undefined || minor < check.until);
  const strict = policy.level === 'restricted' ? restrictedChecks.filter(applies) : [];
  const replaced = new Set(strict.map(check => check.replaces));
  const checks = [...baselineChecks.filter(applies).filter(check => !replaced.has(check.id)), ...strict];
  const found = checks.flatMap(check => check.run(pod) ?? []);
  if (found.length === 0) return undefined;
  return found.map(({ reason, detail }) => (part === 'detail' && detail ? `${reason} (${detail})` : reason)).join(', ');
}

function checkPod(judge: Judge, request: AdmissionRequest): void {
  const pod = draftOf<Pod>(request);
  if (!pod || isExempt(judge, request)) return;
  const read = policiesOf(judge, request.namespace);
  const { policies } = read;
  if (read.errors.length === 0 && podSecurityModes.every(mode => policies[mode].level === 'privileged')) {
    judge.meters.evaluated(request, { mode: 'enforce', policy: policies.enforce, allowed: true });
    request.annotate?.(`${podSecurityPrefix}enforce-policy`, versionOf(policies.enforce));
    return;
  }
  const old = oldOf<Pod>(request);
  if (old && !isSignificant(pod, old)) return;
  evaluate(judge, request, { pod, read, enforces: true });
}

function checkTemplate(judge: Judge, request: AdmissionRequest): void {
  if (isExempt(judge, request)) return;
  const read = policiesOf(judge, request.namespace);
  const { audit, warn } = read.policies;
  if (read.errors.length === 0 && audit.level === 'privileged' && warn.level === 'privileged') return;
  const pod = templateOf(request.object);
  if (pod) evaluate(judge, request, { pod, read, enforces: false });
}

interface Evaluation {
  readonly pod: PodShape;
  readonly read: ReturnType<typeof policiesOf>;
  /** A template is only warned and written about: its pods are judged when they come. */
  readonly enforces: boolean;
}

function evaluate({ config, meters }: Judge, request: AdmissionRequest, { pod, read, enforces }: Evaluation): void {
  const { runtimeClassName } = pod.spec;
  if (runtimeClassName && config.runtimeClasses.has(runtimeClassName)) {
    exempt(meters, request, 'runtimeClass');
    return;
  }
  const { policies, errors } = read;
  if (errors.length > 0) {
    const texts = errors.map(({ field, message }) => `${field}: ${message}`);
    const all = texts.length > 1 ? `[${texts.join(', ')}]` : texts[0]!;
    request.annotate?.(`${podSecurityPrefix}error`, `Failed to parse policy: ${all}`);
    meters.failed(request);
  }
  const enforced = enforces ? evaluatePod(policies.enforce, pod) : undefined;
  if (enforces) {
    request.annotate?.(`${podSecurityPrefix}enforce-policy`, versionOf(policies.enforce));
    meters.evaluated(request, { mode: 'enforce', policy: policies.enforce, allowed: !enforced });
  }
  const audited = evaluatePod(policies.audit, pod);
  if (audited) {
    meters.evaluated(request, { mode: 'audit', policy: policies.audit, allowed: false });
    const text = `would violate PodSecurity ${describePolicy(policies.audit)}: ${audited}`;
    request.annotate?.(`${podSecurityPrefix}audit-violations`, text);
  }
  if (enforced) throw refuse(request, `violates PodSecurity ${describePolicy(policies.enforce)}: ${enforced}`);
  const warned = evaluatePod(policies.warn, pod);
  if (!warned) return;
  meters.evaluated(request, { mode: 'warn', policy: policies.warn, allowed: false });
  request.warn(`would violate PodSecurity ${describePolicy(policies.warn)}: ${warned}`);
}

function isExempt({ config, meters }: Judge, request: AdmissionRequest): boolean {
  const isNamespace = config.namespaces.has(request.namespace ?? '');
  if (!isNamespace && !config.usernames.has(request.user.name)) return false;
  exempt(meters, request, isNamespace ? 'namespace' : 'user');
  return true;
}

function exempt(meters: PodSecurityMeters, request: AdmissionRequest, by: 'namespace' | 'user' | 'runtimeClass'): void {
  meters.exempted(request);
  request.annotate?.(`${podSecurityPrefix}exempt`, by);
}

function templateOf(object: unknown): PodShape | undefined {
  type Template = { metadata?: Pick<ObjectMeta, 'annotations'>; spec?: PodSpec };
  const { template, spec } = object as {
    template?: Template;
    spec?: { template?: Template; jobTemplate?: { spec?: { template?: Template } } };
  };
  const found = template ?? spec?.jobTemplate?.spec?.template ?? spec?.template;
  return found?.spec ? { metadata: found.metadata ?? {}, spec: found.spec } : undefined;
}

/** Only images and containers of a pod can change in a way that matters here. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const shape = ({ spec }: Pod) => containersOf(spec).map(container => [container.name, container.image]);
  return JSON.stringify(shape(pod)) !== JSON.stringify(shape(old));
}

function policiesOf({ reader, config }: Judge, namespace: string | undefined) {
  const object = namespace ? reader.get(resources.namespaces, undefined, namespace) : undefined;
  return readPolicies(object?.metadata.labels ?? {}, config.defaults);
}

/** New labels must be right; a stricter level is tried on the pods that are there, which stay. */
function checkNamespace(judge: Judge, request: AdmissionRequest): void {
  const namespace = draftOf<Namespace>(request);
  if (!namespace) return;
  const { defaults, namespaces } = judge.config;
  const labels = namespace.metadata.labels ?? {};
  const { policies, errors } = readPolicies(labels, defaults);
  const before = readPolicies(oldOf<Namespace>(request)?.metadata.labels ?? {}, defaults);
  const known = new Set(request.operation === 'UPDATE' ? before.errors.map(textOf) : []);
  if (errors.some(error => !known.has(textOf(error)))) {
    throw invalid({ group: '', kind: 'Namespace' }, namespace.metadata.name, errors);
  }
  const { enforce } = policies;
  const old = before.policies.enforce;
  if (request.operation === 'UPDATE') {
    const isSame = versionOf(old) === versionOf(enforce);
    if (isSame || enforce.level === 'privileged') return;
    if (old.minor === enforce.minor && strictness(enforce) <= strictness(old)) return;
  }
  if (namespaces.has(namespace.metadata.name)) {
    const ignored = ignoredPolicy(labels, policies, defaults);
    if (ignored !== undefined) {
      const { name } = namespace.metadata;
      request.warn(`namespace ${quote(name)} is exempt from Pod Security, and the policy (${ignored}) will be ignored`);
    }
  } else if (request.operation === 'UPDATE') {
    for (const text of judgeExisting(judge, namespace, enforce)) request.warn(text);
  }
}

const textOf = ({ field, message }: Cause) => `${field}: ${message}`;

/** What labels of an exempt namespace ask for in vain; undefined when it is nothing. */
function ignoredPolicy(labels: Readonly<Record<string, string>>, policies: Policies, defaults: Policies) {
  if (podSecurityModes.every(mode => policies[mode].level === 'privileged')) return undefined;
  if (podSecurityModes.every(mode => versionOf(policies[mode]) === versionOf(defaults[mode]))) return undefined;
  const says = (name: string) => labels[`${podSecurityPrefix}${name}`] !== undefined;
  return podSecurityModes
    .filter(mode => policies[mode].level !== 'privileged' && (says(mode) || says(`${mode}-version`)))
    .map(mode => `${mode}=${versionOf(policies[mode])}`)
    .join(', ');
}

/** One pod of each controller first: its replicas are alike. */
function prioritize(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const [first, replicas]: [Pod[], Pod[]] = [[], []];
  for (const pod of pods) {
    const uid = pod.metadata.ownerReferences?.find(owner => owner.controller)?.uid;
    (uid !== undefined && seen.has(uid) ? replicas : first).push(pod);
    if (uid !== undefined) seen.add(uid);
  }
  return [...first, ...replicas];
}

function judgeExisting({ reader, config }: Judge, namespace: KubeObject, policy: Policy): string[] {
  const { name } = namespace.metadata;
  const all = reader.list(resources.pods, name);
  const pods = prioritize(all.filter(pod => !config.runtimeClasses.has(pod.spec.runtimeClassName ?? '')));
  const complaints = new Map<string, string[]>();
  for (const pod of pods.slice(0, namespacePodLimit)) {
    const found = evaluatePod(policy, pod, 'reason');
    if (found) complaints.set(found, [...(complaints.get(found) ?? []), pod.metadata.name].sort());
  }
  const texts: string[] = [];
  if (pods.length > namespacePodLimit) {
    texts.push(
      `new PodSecurity enforce level only checked against the first ${namespacePodLimit} of ${pods.length} existing pods`,
    );
  }
  if (complaints.size > 0) {
    texts.push(
      `existing pods in namespace ${quote(name)} violate the new PodSecurity enforce level ${describePolicy(policy)}`,
    );
  }
  const lines = [...complaints].map(([found, names]) => `${names[0]}${describeOthers(names.length - 1)}: ${found}`);
  return [...texts, ...lines.sort()];
}

function describeOthers(count: number): string {
  return count === 0 ? '' : ` (and ${count} other ${count === 1 ? 'pod' : 'pods'})`;
}
