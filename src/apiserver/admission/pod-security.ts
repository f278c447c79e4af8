import type { KubeObject, Namespace, ObjectMeta, Pod, PodSpec } from '#api';
import { resources } from '#api';
import { type Cause, invalid, quote } from '../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { baselineChecks } from './pod-security-baseline.ts';
import { type Check, containersOf, type PodShape } from './pod-security-checks.ts';
import { restrictedChecks } from './pod-security-restricted.ts';
import { draftOf, isAbout, oldOf, refuse } from './request.ts';

type Level = 'privileged' | 'baseline' | 'restricted';
type Mode = 'enforce' | 'audit' | 'warn';
interface Policy {
  readonly level: Level;
  /** The minor of v1.x; undefined is latest. */
  readonly minor: number | undefined;
}

const prefix = 'pod-security.kubernetes.io/';
const levels: readonly string[] = ['privileged', 'baseline', 'restricted'];
const versionForm = /^(?:latest|v1\.(\d|[1-9]\d*))$/;
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

/** The Pod Security Standards, chosen by labels of the namespace (KEP-2579). Without labels everything is allowed, as upstream's default. */
export function createPodSecurity(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (isAbout(request, resources.namespaces)) return checkNamespace(reader, request);
      if (isAbout(request, resources.pods) || isAbout(request, resources.pods, 'ephemeralcontainers')) {
        return checkPod(reader, request);
      }
      if (templates.some(resource => isAbout(request, resource))) checkTemplate(reader, request);
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

function checkPod(reader: ObjectReader, request: AdmissionRequest): void {
  const pod = draftOf<Pod>(request);
  const old = oldOf<Pod>(request);
  const policies = policiesOf(reader, request.namespace);
  if (!pod || !policies || (old && !isSignificant(pod, old))) return;
  request.annotate?.('pod-security.kubernetes.io/enforce-policy', versionOf(policies.enforce));
  noteAudit(request, policies.audit, pod);
  const enforced = evaluatePod(policies.enforce, pod);
  if (enforced) throw refuse(request, `violates PodSecurity ${describe(policies.enforce)}: ${enforced}`);
  warn(request, policies.warn, pod);
}

function checkTemplate(reader: ObjectReader, request: AdmissionRequest): void {
  const policies = policiesOf(reader, request.namespace);
  const pod = policies && templateOf(request.object);
  if (!pod) return;
  noteAudit(request, policies.audit, pod);
  warn(request, policies.warn, pod);
}

function noteAudit(request: AdmissionRequest, policy: Policy, pod: PodShape): void {
  const found = request.annotate && evaluatePod(policy, pod);
  if (!found) return;
  request.annotate?.(
    'pod-security.kubernetes.io/audit-violations',
    `would violate PodSecurity ${describe(policy)}: ${found}`,
  );
}

function warn(request: AdmissionRequest, policy: Policy, pod: PodShape): void {
  const found = evaluatePod(policy, pod);
  if (found) request.warn(`would violate PodSecurity ${describe(policy)}: ${found}`);
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

/** Only images, containers and seccomp annotations of a pod can change in a way that matters here. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const shape = ({ spec, metadata }: Pod) => [
    containersOf(spec).map(container => [container.name, container.image]),
    Object.entries(metadata.annotations ?? {}).filter(([key]) => key.includes('seccomp.security')),
  ];
  return JSON.stringify(shape(pod)) !== JSON.stringify(shape(old));
}

function policiesOf(reader: ObjectReader, namespace: string | undefined): Record<Mode, Policy> | undefined {
  const object = namespace ? reader.get(resources.namespaces, undefined, namespace) : undefined;
  const labels = object?.metadata.labels ?? {};
  // Most namespaces have no such label: nothing to do.
  if (!Object.keys(labels).some(key => key.startsWith(prefix))) return undefined;
  return readPolicies(labels).policies;
}

/** Wrong values count as restricted where they enforce nothing else can be meant (upstream), and are named. */
function readPolicies(labels: Readonly<Record<string, string>>) {
  const errors: Cause[] = [];
  const complain = (key: string, value: string, why: string) =>
    errors.push({
      reason: 'FieldValueInvalid',
      field: `metadata.labels[${key}]`,
      message: `Invalid value: ${quote(value)}: ${why}`,
    });
  const read = (mode: Mode): Policy => {
    const level = labels[`${prefix}${mode}`];
    const version = labels[`${prefix}${mode}-version`];
    const match = versionForm.exec(version ?? 'latest');
    const isLevel = level === undefined || levels.includes(level);
    if (!isLevel) complain(`${prefix}${mode}`, level, `must be one of ${levels.join(', ')}`);
    if (!match) complain(`${prefix}${mode}-version`, version ?? '', 'must be "latest" or "v1.x"');
    const minor = match?.[1] === undefined ? undefined : Number(match[1]);
    const strictest = mode === 'enforce' ? 'restricted' : 'privileged';
    return { level: isLevel ? ((level ?? 'privileged') as Level) : strictest, minor };
  };
  const policies = { enforce: read('enforce'), audit: read('audit'), warn: read('warn') };
  return { policies, errors };
}

function describe(policy: Policy): string {
  return quote(versionOf(policy));
}

function versionOf({ level, minor }: Policy): string {
  return `${level}:${minor === undefined ? 'latest' : `v1.${minor}`}`;
}

/** New labels must be right; a stricter level is tried on the pods that are there, which stay. */
function checkNamespace(reader: ObjectReader, request: AdmissionRequest): void {
  const namespace = draftOf<Namespace>(request);
  if (!namespace) return;
  const labels = namespace.metadata.labels ?? {};
  const { policies, errors } = readPolicies(labels);
  const before = oldOf<Namespace>(request)?.metadata.labels ?? {};
  const known =
    request.operation === 'UPDATE'
      ? new Set(readPolicies(before).errors.map(({ field, message }) => `${field}${message}`))
      : new Set();
  const fresh = errors.filter(({ field, message }) => !known.has(`${field}${message}`));
  if (fresh.length > 0) throw invalid({ group: '', kind: 'Namespace' }, namespace.metadata.name, fresh);
  const old = readPolicies(before).policies.enforce;
  const isSame = old.level === policies.enforce.level && old.minor === policies.enforce.minor;
  const isLooser = levels.indexOf(policies.enforce.level) < levels.indexOf(old.level);
  if (request.operation === 'CREATE' || isSame || isLooser || policies.enforce.level === 'privileged') return;
  for (const text of judgeExisting(reader, namespace, policies.enforce)) request.warn(text);
}

function judgeExisting(reader: ObjectReader, namespace: KubeObject, policy: Policy): string[] {
  const { name } = namespace.metadata;
  const pods = reader.list(resources.pods, name);
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
      `existing pods in namespace ${quote(name)} violate the new PodSecurity enforce level ${describe(policy)}`,
    );
  }
  const lines = [...complaints].map(([found, names]) => `${names[0]}${describeOthers(names.length - 1)}: ${found}`);
  return [...texts, ...lines.sort()];
}

function describeOthers(count: number): string {
  return count === 0 ? '' : ` (and ${count} other ${count === 1 ? 'pod' : 'pods'})`;
}
