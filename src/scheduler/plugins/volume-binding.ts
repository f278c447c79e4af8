import type { Pod } from '#api';
import { matchesNodeSelector } from '#api';
import { PodRefusal, type SchedulerPlugin } from '../plugin.ts';

/** Claims must exist and be bound, and the volume must be reachable from the node. */
export const volumeBinding: SchedulerPlugin = {
  name: 'VolumeBinding',
  filter: cycle => {
    const { pod } = cycle;
    const names = claimNames(pod);
    if (names.length === 0) return undefined;
    const volumes = names.map(name => {
      const claim = cycle.claim(pod.metadata.namespace!, name);
      if (!claim) throw new PodRefusal(`persistentvolumeclaim "${name}" not found`);
      if (claim.metadata.deletionTimestamp) throw new PodRefusal(`persistentvolumeclaim "${name}" is being deleted`);
      if (claim.status?.phase === 'Lost') {
        throw new PodRefusal(
          `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`,
        );
      }
      if (!claim.spec.volumeName) throw new PodRefusal('pod has unbound immediate PersistentVolumeClaims');
      return cycle.volume(claim.spec.volumeName);
    });
    return {
      check: ({ node }) => {
        if (volumes.some(volume => !volume)) {
          return {
            reasons: ['node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'],
            final: true,
          };
        }
        const far = volumes.some(
          volume =>
            volume?.spec.nodeAffinity?.required && !matchesNodeSelector(volume.spec.nodeAffinity.required, node),
        );
        return far ? { reasons: ["node(s) didn't match PersistentVolume's node affinity"], final: true } : undefined;
      },
    };
  },
};

/** Claims that the pod mounts, with the generated ones of ephemeral volumes. */
export function claimNames(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap(volume => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral ? [`${pod.metadata.name}-${volume.name}`] : [];
  });
}
