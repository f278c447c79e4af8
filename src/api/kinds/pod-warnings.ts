import type { ObjectMeta, PodSpec } from '../types.ts';

/** What is deprecated or dubious about a pod spec, in upstream's words. */
export function warnAboutPodSpec(_spec: PodSpec, _options: { path: string; metadata: ObjectMeta }): string[] {
  return [];
}
