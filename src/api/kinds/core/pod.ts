import { formatTime } from '#base';
import type { KindBehaviour, KindContext } from '../../kind.ts';
import type { Container, Pod, PodCondition, PodStatus } from '../../types.ts';
import { countGeneration, keepStatus, setGeneration } from '../behaviour.ts';
import { mergeMatchLabelKeys } from '../match-label-keys.ts';
import { podColumns } from '../pod-columns.ts';
import { defaultPodOnly, defaultPodSpec } from '../pod-defaults.ts';
import { validatePod } from '../pod-rules.ts';
import { validatePodStatus, validatePodSubresource } from '../pod-status-rules.ts';
import { validatePodUpdate } from '../pod-update-rules.ts';
import { warnAboutPodSpec } from '../pod-warnings.ts';
import { qosClassOf } from '../qos.ts';
import { warnAboutName } from '../template-warnings.ts';

function prepareCreate(draft: Pod, { nowMs }: KindContext): void {
  draft.metadata.generation = 1;
  mergeMatchLabelKeys(draft);
  draft.status = { phase: 'Pending', qosClass: qosClassOf(draft.spec) };
  if (draft.spec.schedulingGates?.length) {
    draft.status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        lastProbeTime: null,
        lastTransitionTime: formatTime(nowMs),
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      } as unknown as PodCondition,
    ];
  }
}

/** Status writes leave the spec and the owners alone; labels and annotations may change with them. */
function prepareStatus(draft: Pod, old: Pod): void {
  draft.spec = old.spec;
  if (old.metadata.ownerReferences === undefined) delete draft.metadata.ownerReferences;
  else draft.metadata.ownerReferences = old.metadata.ownerReferences;
  draft.status ??= {};
  draft.status.qosClass ??= old.status?.qosClass;
  keepObservedGenerations(draft.status, old.status);
  setGeneration(draft, old, false);
}

/** What a client that does not know of observedGeneration leaves out stays as it was; conditions of one type are told apart by their order. */
function keepObservedGenerations(status: PodStatus, old: PodStatus | undefined): void {
  if (!status.observedGeneration && old?.observedGeneration) status.observedGeneration = old.observedGeneration;
  const before = Map.groupBy(old?.conditions ?? [], ({ type }) => type);
  for (const condition of status.conditions ?? []) {
    const same = before.get(condition.type)?.shift();
    if (!condition.observedGeneration && same?.observedGeneration) {
      condition.observedGeneration = same.observedGeneration;
    }
  }
}

/** `ephemeralcontainers` and `resize` change one part of the spec each. */
function preparePart(draft: Pod, old: Pod, subresource: string): void {
  keepStatus(draft, old);
  const { resourceVersion, managedFields } = draft.metadata;
  draft.metadata = { ...old.metadata, resourceVersion };
  if (managedFields) draft.metadata.managedFields = managedFields;
  else delete draft.metadata.managedFields;
  if (subresource === 'ephemeralcontainers') {
    draft.spec = { ...old.spec, ephemeralContainers: draft.spec.ephemeralContainers };
  } else prepareResize(draft, old);
  countGeneration(draft, old);
}

const containerLists = ['containers', 'initContainers'] as const;

/** Containers that are others than before stay as they are: the rules refuse them. */
function prepareResize(draft: Pod, old: Pod): void {
  const wanted = draft.spec;
  const lists = containerLists.map(list => [wanted[list] ?? [], old.spec[list] ?? []] as const);
  if (lists.some(([now, before]) => now.length !== before.length)) return;
  const resources = wanted.resources;
  draft.spec = { ...old.spec };
  if (resources) draft.spec.resources = resources;
  for (const list of containerLists) {
    const now = wanted[list];
    if (now) draft.spec[list] = now.map((container, index) => resized(old.spec[list]![index]!, container));
  }
}

function resized(old: Container, wanted: Container): Container {
  if (wanted.name !== old.name) return wanted;
  return { ...old, resources: wanted.resources, resizePolicy: wanted.resizePolicy ?? old.resizePolicy };
}

/**
 * How long a pod may take to stop: what the deleter asked, else what it says itself. None at all when nothing runs: not yet on a
 * node, or done.
 */
function graceful(pod: Pod, requestedSeconds: number | undefined): number {
  let seconds = requestedSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  if (!pod.spec.nodeName) seconds = 0;
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') seconds = 0;
  return seconds < 0 ? 1 : seconds;
}

export const pod: KindBehaviour<Pod> = {
  shortNames: ['po'],
  categories: ['all'],
  defaults(draft) {
    defaultPodSpec(draft.spec);
    defaultPodOnly(draft.spec);
  },
  prepareCreate,
  prepareUpdate(draft, old) {
    keepStatus(draft, old);
    countGeneration(draft, old);
  },
  prepareSubresource(draft, old, subresource) {
    if (subresource === 'status') prepareStatus(draft, old);
    else if (subresource === 'ephemeralcontainers' || subresource === 'resize') preparePart(draft, old, subresource);
  },
  validateCreate: validatePod,
  validateUpdate: validatePodUpdate,
  validateSubresource(object, old, subresource) {
    if (subresource === 'status') return validatePodStatus(object, old);
    return validatePodSubresource(object, old, subresource);
  },
  warnings(object, old) {
    if (old && object.metadata.generation === old.metadata.generation) return [];
    const name = old ? [] : warnAboutName(object, "the Pod's hostname");
    return [...name, ...warnAboutPodSpec(object.spec, { path: 'spec', metadata: object.metadata })];
  },
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': o => o.spec.nodeName ?? '',
    'spec.restartPolicy': o => o.spec.restartPolicy ?? '',
    'spec.schedulerName': o => o.spec.schedulerName ?? '',
    'spec.serviceAccountName': o => o.spec.serviceAccountName ?? '',
    'spec.hostNetwork': o => String(o.spec.hostNetwork ?? false),
    'status.phase': o => o.status?.phase ?? '',
    'status.podIP': o => o.status?.podIPs?.[0]?.ip ?? o.status?.podIP ?? '',
    'status.nominatedNodeName': o => o.status?.nominatedNodeName ?? '',
  },
  graceful,
};
