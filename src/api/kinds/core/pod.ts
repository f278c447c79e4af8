import type { KindBehaviour } from '../../kind.ts';
import type { Pod } from '../../types.ts';
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

function prepareCreate(draft: Pod): void {
  draft.metadata.generation = 1;
  mergeMatchLabelKeys(draft);
  draft.status = { phase: 'Pending', qosClass: qosClassOf(draft.spec) };
  if (draft.spec.schedulingGates?.length) {
    draft.status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
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
  setGeneration(draft, old, false);
}

/** `ephemeralcontainers` and `resize` change one part of the spec each. */
function preparePart(draft: Pod, old: Pod, subresource: string): void {
  keepStatus(draft, old);
  const { metadata } = old;
  if (subresource === 'ephemeralcontainers') {
    draft.spec = { ...old.spec, ephemeralContainers: draft.spec.ephemeralContainers };
  } else {
    const wanted = draft.spec;
    draft.spec = {
      ...old.spec,
      containers: old.spec.containers.map((container, index) => resized(container, wanted.containers[index])),
    };
    if (old.spec.initContainers) {
      draft.spec.initContainers = old.spec.initContainers.map((container, index) =>
        resized(container, wanted.initContainers?.[index]),
      );
    }
  }
  draft.metadata = { ...metadata, resourceVersion: draft.metadata.resourceVersion };
  countGeneration(draft, old);
}

function resized(old: Pod['spec']['containers'][number], wanted: Pod['spec']['containers'][number] | undefined) {
  if (!wanted || wanted.name !== old.name) return old;
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
