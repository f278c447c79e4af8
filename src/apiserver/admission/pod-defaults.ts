import type { Node, Pod, PriorityClass, Taint, Toleration } from '#api';
import { resources } from '#api';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { draftOf, isAbout, oldOf, refuse } from './request.ts';

const notReadyTaint = 'node.kubernetes.io/not-ready';
const unreachableTaint = 'node.kubernetes.io/unreachable';
/** How long pods stay on a node that went away, unless they say otherwise. */
const defaultTolerationSeconds = 300;

/** New nodes start tainted not-ready, so that nothing lands on them before they are. */
export function createTaintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    mutate(request) {
      const node = isCreate(request, resources.nodes) ? draftOf<Node>(request) : undefined;
      if (!node) return;
      const taint: Taint = { key: notReadyTaint, effect: 'NoSchedule' };
      node.spec ??= {};
      const { spec } = node;
      const isTainted = (spec.taints ?? []).some(other => other.key === taint.key && other.effect === taint.effect);
      if (!isTainted) spec.taints = [...(spec.taints ?? []), taint];
    },
  };
}

/** Pods bear with a node that is not ready or unreachable for five minutes. */
export function createDefaultTolerationSeconds(): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    mutate(request) {
      const isWrite = request.operation === 'CREATE' || request.operation === 'UPDATE';
      const pod = isWrite && isAbout(request, resources.pods) ? draftOf<Pod>(request) : undefined;
      if (!pod) return;
      for (const key of [notReadyTaint, unreachableTaint]) {
        if ((pod.spec.tolerations ?? []).some(toleration => coversNoExecute(toleration, key))) continue;
        const toleration = {
          key,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: defaultTolerationSeconds,
        };
        pod.spec.tolerations = [...(pod.spec.tolerations ?? []), toleration];
      }
    },
  };
}

function coversNoExecute(toleration: Toleration, key: string): boolean {
  return (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);
}

/** Works out a pod's priority from its class, and guards the classes that are the system's. */
export function createPriority(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'Priority',
    mutate(request) {
      if (isAbout(request, resources.pods)) setPriority(reader, request);
    },
    validate(request) {
      if (isAbout(request, resources.priorityclasses)) checkDefaultClass(reader, request);
    },
  };
}

function setPriority(reader: ObjectReader, request: AdmissionRequest): void {
  const pod = draftOf<Pod>(request);
  if (!pod) return;
  if (request.operation === 'UPDATE') {
    // An update cannot change either; clients that leave them out mean the old ones.
    const old = oldOf<Pod>(request);
    if (pod.spec.priority === undefined && old?.spec.priority !== undefined) pod.spec.priority = old.spec.priority;
    if (pod.spec.preemptionPolicy === undefined && old?.spec.preemptionPolicy !== undefined) {
      pod.spec.preemptionPolicy = old.spec.preemptionPolicy;
    }
    return;
  }
  if (request.operation !== 'CREATE') return;
  const { name, value, preemptionPolicy } = priorityOf(reader, request, pod);
  if (name && !pod.spec.priorityClassName) pod.spec.priorityClassName = name;
  if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
    const why = `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    throw refuse(request, why);
  }
  pod.spec.priority = value;
  const policy = preemptionPolicy ?? 'PreemptLowerPriority';
  if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== policy) {
    const why = `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`;
    throw refuse(request, why);
  }
  pod.spec.preemptionPolicy = policy;
}

function priorityOf(reader: ObjectReader, request: AdmissionRequest, pod: Pod) {
  const name = pod.spec.priorityClassName;
  if (name) {
    const found = reader.get(resources.priorityclasses, undefined, name);
    if (!found) throw refuse(request, `no PriorityClass with name ${name} was found`);
    return { name, value: found.value ?? 0, preemptionPolicy: found.preemptionPolicy };
  }
  const found = defaultClassOf(reader);
  return { name: found?.metadata.name, value: found?.value ?? 0, preemptionPolicy: found?.preemptionPolicy };
}

/** Should several be default, the lowest wins. */
function defaultClassOf(reader: ObjectReader): PriorityClass | undefined {
  const classes = reader.list(resources.priorityclasses).filter(candidate => candidate.globalDefault);
  return classes.toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}

function checkDefaultClass(reader: ObjectReader, request: AdmissionRequest): void {
  const draft = draftOf<PriorityClass>(request);
  const isWrite = request.operation === 'CREATE' || request.operation === 'UPDATE';
  if (!isWrite || !draft?.globalDefault) return;
  const present = defaultClassOf(reader)?.metadata.name;
  if (present === undefined || (request.operation === 'UPDATE' && present === draft.metadata.name)) return;
  throw refuse(request, `PriorityClass ${present} is already marked as default. Only one default can exist`);
}

/** Labels that a pod takes over from its node when it is bound. */
const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** Copies the node's zone and region onto the pod: in the binding, from where the pod gets them, or in a pod that is made with its node. */
export function createPodTopologyLabels(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    mutate(request) {
      if (request.operation !== 'CREATE') return;
      const { object } = request;
      if (!object) return;
      if (isAbout(request, resources.pods)) {
        copyLabels(reader, (object as unknown as Pod).spec.nodeName, object);
      } else if (isAbout(request, resources.pods, 'binding')) {
        const target = object['target'] as { kind?: string; name?: string } | undefined;
        if (target?.kind === 'Node') copyLabels(reader, target.name, object);
      }
    },
  };
}

function copyLabels(
  reader: ObjectReader,
  nodeName: string | undefined,
  object: { metadata: { labels?: Record<string, string> | undefined } },
): void {
  const node = nodeName ? reader.get(resources.nodes, undefined, nodeName) : undefined;
  for (const key of topologyLabels) {
    const value = node?.metadata.labels?.[key];
    if (value !== undefined) object.metadata.labels = { ...object.metadata.labels, [key]: value };
  }
}

function isCreate(request: AdmissionRequest, resource: { group: string; resource: string }): boolean {
  return request.operation === 'CREATE' && isAbout(request, resource);
}
