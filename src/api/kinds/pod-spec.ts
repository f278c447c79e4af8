import type { FieldError } from '../kind.ts';
import type { PodSpec } from '../types.ts';
import { required } from './field-error.ts';

export interface PodSpecOptions {
  /** True inside a workload: some rules are for pods only. */
  template: boolean;
}

/** All rules of a pod's spec. */
export function checkPodSpec(errors: FieldError[], path: string, spec: PodSpec, _options: PodSpecOptions): void {
  if (!spec.containers?.length) errors.push(required(`${path}.containers`));
}
