import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '#api';
import { resources } from '#api';
import { controllerRefTo } from '../owners.ts';
import { podFromTemplate } from '../pods.ts';

export const revisionLabel = 'controller-revision-hash';
const nameLabel = 'statefulset.kubernetes.io/pod-name';
const indexLabel = 'apps.kubernetes.io/pod-index';

export const startOf = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0;

/** The ordinal of a pod of the set; undefined when its name is not one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata.name);
  return match?.[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;

export const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[revisionLabel];

/** A template and the name of the ControllerRevision that keeps it. */
export interface Revision {
  name: string;
  template: PodTemplateSpec;
}

/** The pod of an ordinal, with the name, host name and volumes that stay with it. */
export function buildSetPod(set: StatefulSet, ordinal: number, revision: Revision): Pod {
  const pod = podFromTemplate(revision.template, set, controllerRefTo(resources.statefulsets, set));
  const name = podName(set, ordinal);
  const { generateName: _, ...metadata } = pod.metadata;
  const own = { [nameLabel]: name, [indexLabel]: String(ordinal), [revisionLabel]: revision.name };
  return {
    ...pod,
    metadata: { ...metadata, name, labels: { ...metadata.labels, ...own } },
    spec: { ...pod.spec, hostname: name, subdomain: set.spec.serviceName, ...volumesOf(set, pod, ordinal) },
  };
}

/** Claims of a volume template replace a volume of the same name. */
function volumesOf(set: StatefulSet, pod: Pod, ordinal: number): Pick<Pod['spec'], 'volumes'> {
  const claims = buildClaims(set, ordinal).map(({ template, claim }) => ({
    name: template,
    persistentVolumeClaim: { claimName: claim.metadata.name },
  }));
  if (!claims.length) return pod.spec.volumes ? { volumes: pod.spec.volumes } : {};
  const others = (pod.spec.volumes ?? []).filter(volume => !claims.some(({ name }) => name === volume.name));
  return { volumes: [...claims, ...others] };
}

/** The claims of an ordinal: they outlive its pods. */
export function buildClaims(set: StatefulSet, ordinal: number): { template: string; claim: PersistentVolumeClaim }[] {
  const whenDeleted = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted ?? 'Retain';
  return (set.spec.volumeClaimTemplates ?? []).map(given => {
    const template = given.metadata.name;
    const { metadata, spec } = structuredClone(given);
    const owner = { ...controllerRefTo(resources.statefulsets, set), blockOwnerDeletion: true };
    const claim: PersistentVolumeClaim = {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec },
      metadata: {
        name: `${template}-${podName(set, ordinal)}`,
        namespace: set.metadata.namespace,
        labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
        ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
        ...(whenDeleted === 'Delete' ? { ownerReferences: [owner] } : {}),
      },
    };
    return { template, claim };
  });
}
