import type { PodTemplateSpec } from '#api';
import { contentHash } from '../hash.ts';

/** The value of pod-template-hash. `collisionCount` makes another one when the name is taken by somebody else's set. */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  const { creationTimestamp: _, ...metadata } = template.metadata ?? {};
  return contentHash({ ...template, metadata }, collisionCount);
}
