import type { Pod } from '#api';
import { resources } from '#api';
import { formatTime } from '#base';
import { isNotFound, refOf } from '#client';
import type { ControllerDeps } from './controller.ts';
import { isFinished } from './pods.ts';

export interface Disruption {
  gracePeriodSeconds?: number | undefined;
  /** Set on pods that have not finished, where no kubelet will do it. */
  phase?: 'Failed' | undefined;
  /** Reason and message of the condition DisruptionTarget; absent: it is not set. */
  reason?: string | undefined;
  message?: string | undefined;
}

/** Notes in a pod's status why it is deleted, and deletes it. A pod that is gone already is fine. */
export async function disruptPod({ client, clock }: ControllerDeps, pod: Pod, disruption: Disruption): Promise<void> {
  const { gracePeriodSeconds, phase, reason, message } = disruption;
  const { uid } = pod.metadata;
  try {
    const condition = { type: 'DisruptionTarget', status: 'True', reason, message };
    const conditions = reason ? [{ ...condition, lastTransitionTime: formatTime(clock.now()) }] : undefined;
    if (!isFinished(pod) && (phase || conditions)) {
      const status = { ...(phase ? { phase } : {}), ...(conditions ? { conditions } : {}) };
      const body = { metadata: { uid }, status };
      await client.patch(resources.pods, refOf(pod), { type: 'strategic', subresource: 'status', body });
    }
    await client.delete(resources.pods, refOf(pod), { gracePeriodSeconds, preconditions: { uid } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
