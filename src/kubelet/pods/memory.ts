import type { Pod } from '#api';
import type { SandboxConfig } from '#wire';
import type { Waiting } from './plan.ts';
import type { Verdict } from './pod-status.ts';

/** What is remembered of a pod between two looks. Nothing here is needed to go on after a restart. */
export interface PodMemory {
  /** As last seen; still there when the API server has forgotten it. */
  pod: Pod | undefined;
  /** Why starting a container failed, by its name. */
  waiting: Map<string, Waiting>;
  /** Containers that the runtime refused are not tried again before, by their back-off key. */
  heldUntilMs: Map<string, number>;
  /** Containers that are being stopped, with when their grace is over. */
  kills: Map<string, { deadlineMs: number }>;
  /** Containers whose postStart hook runs. */
  hooks: Set<string>;
  /** Why the pod was refused or thrown out. */
  verdict: Verdict | undefined;
  /** Grace for a pod that must end though nobody deleted it. */
  endGraceSeconds: number | undefined;
  endDeadlineMs: number | undefined;
  admitted: boolean;
  /** Sandboxes whose network gate has opened. */
  gated: Set<string>;
  volumes: Map<string, string> | undefined;
  volumesStale: boolean;
  sandboxConfig: SandboxConfig | undefined;
  /** Nothing of it is left at the runtime and on disk that must go when it has ended. */
  cleaned: boolean;
}

export const newMemory = (): PodMemory => ({
  ...{
    pod: undefined,
    waiting: new Map(),
    heldUntilMs: new Map(),
    kills: new Map(),
    hooks: new Set(),
    verdict: undefined,
  },
  ...{ endGraceSeconds: undefined, endDeadlineMs: undefined, admitted: false, gated: new Set() },
  ...{ volumes: undefined, volumesStale: false, sandboxConfig: undefined, cleaned: false },
});
