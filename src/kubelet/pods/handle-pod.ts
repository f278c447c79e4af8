import type { QueueOutcome } from '#client';
import { refusedUnderPressure } from '../node/eviction.ts';
import type { Pressure } from '../node/node-status.ts';
import { admitPod } from './admit.ts';
import type { PodContext } from './context.ts';
import { removePod } from './end-pod.ts';
import { syncPod } from './sync-pod.ts';

export interface NodeNow {
  pressure(): Pressure;
  nodeLabels(): Readonly<Record<string, string>>;
}

/** One look at whatever has this uid: a pod to run, or what is left of one. */
export async function handlePod(context: PodContext, uid: string, now: NodeNow): Promise<QueueOutcome> {
  const pod = context.source.pod(uid);
  if (!pod && !context.source.synced()) return { afterMs: 500 };
  if (!pod) return after(await removePod(context, uid));
  const memory = context.memory(uid);
  if (!memory.admitted) {
    memory.admitted = true;
    // A pod whose status was written was taken before a restart.
    const isNew = !pod.status?.startTime && !pod.metadata.deletionTimestamp;
    if (isNew) admit(context, uid, now);
  }
  return after(await syncPod(context, pod));
}

function admit(context: PodContext, uid: string, now: NodeNow): void {
  const pod = context.source.pod(uid)!;
  const refusal = refuse(context, uid, now);
  if (!refusal) return;
  const { reason, message } = refusal;
  context.memory(uid).verdict = { reason, message: `Pod was rejected: ${message}`, isRefusal: true };
  context.record(pod, { type: 'Warning', reason, message });
}

function refuse(context: PodContext, uid: string, now: NodeNow): { reason: string; message: string } | undefined {
  const pod = context.source.pod(uid)!;
  const pressed = refusedUnderPressure(pod, now.pressure());
  if (pressed) return { reason: 'Evicted', message: pressed };
  const others = context.source.list().filter(other => {
    const otherUid = other.metadata.uid ?? '';
    const { phase } = other.status ?? {};
    return (
      otherUid !== uid &&
      phase !== 'Failed' &&
      phase !== 'Succeeded' &&
      context.memory(otherUid).admitted &&
      !context.memory(otherUid).verdict
    );
  });
  const { allocatable } = context.node;
  return admitPod(pod, { others, allocatable: allocatable(), nodeLabels: now.nodeLabels() });
}

function after(ms: number | undefined): QueueOutcome {
  return ms === undefined ? undefined : { afterMs: ms };
}
