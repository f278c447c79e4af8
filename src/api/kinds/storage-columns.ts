import type { KubeObject } from '../resource.ts';

const betaClass = 'volume.beta.kubernetes.io/storage-class';
const shortModes: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

/** `RWO,ROX`: always in this order. */
export function formatAccessModes(modes: readonly string[] | undefined): string {
  return shortModes
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

/** The class of a volume or claim; its old annotation wins. */
export function storageClassOf(object: KubeObject & { spec?: { storageClassName?: string | undefined } }): string {
  return object.metadata.annotations?.[betaClass] ?? object.spec?.storageClassName ?? '';
}
