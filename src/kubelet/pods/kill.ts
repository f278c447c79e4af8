import type { Pod } from '#api';
import { annotations } from '../runtime/labels.ts';
import { isAlive, type RuntimePod } from '../runtime/runtime-pod.ts';
import type { PodContext } from './context.ts';
import { runHook } from './hooks.ts';
import type { Action } from './plan.ts';
import { fieldPathOf } from './pod-spec.ts';

type Kill = Extract<Action, { do: 'kill' }>;

/** Upstream's: also a container without grace gets this long. */
const minGraceSeconds = 2;
/** A kill under way is hurried only when the new end is this much earlier. */
const hurryMs = 1000;

/** Begins to stop a container: hook, then the signal, then the end of the grace. Doing it again while it is under way does nothing, unless it is to end sooner. */
export function killContainer(context: PodContext, pod: Pod | undefined, kill: Kill, uid: string, ip: string): void {
  const { clock } = context;
  const memory = context.memory(uid);
  const { container, spec } = kill;
  const graceSeconds = kill.graceSeconds ?? pod?.spec.terminationGracePeriodSeconds ?? graceOf(container.annotations);
  const deadlineMs = clock.now() + graceSeconds * 1000;
  const under = memory.kills.get(container.id);
  if (under && under.deadlineMs <= deadlineMs + hurryMs) return;
  const mark = { deadlineMs };
  memory.kills.set(container.id, mark);
  if (!under && pod) {
    const about = spec ? { ...pod, fieldPath: fieldPathOf(spec) } : pod;
    context.record(about, { type: 'Normal', reason: 'Killing', message: kill.message });
  }
  context.background(async signal => {
    try {
      const preStop = spec?.container.lifecycle?.preStop;
      if (preStop && !under && graceSeconds > 0 && container.state === 'running') {
        await preStopOf(context, pod!, kill, { preStop, ip, timeoutMs: graceSeconds * 1000, signal });
      }
      const leftSeconds = Math.ceil((deadlineMs - clock.now()) / 1000);
      const least = kill.graceSeconds === undefined ? minGraceSeconds : Math.min(minGraceSeconds, graceSeconds);
      await context.cri.runtime.stopContainer(container.id, Math.max(least, leftSeconds));
    } finally {
      if (memory.kills.get(container.id) === mark) memory.kills.delete(container.id);
      context.wake(uid);
    }
  });
}

function graceOf(notes: Readonly<Record<string, string>>): number {
  return Number(notes[annotations.gracePeriod] ?? 30);
}

async function preStopOf(
  context: PodContext,
  pod: Pod,
  { container, spec }: Kill,
  run: { preStop: object; ip: string; timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const { runtime } = context.cri;
  const { ip, timeoutMs, signal } = run;
  try {
    const target = { container: spec!.container, containerId: container.id, ip };
    const late = context.clock.sleep(timeoutMs, signal);
    late.catch(() => undefined); // the agent stops: the hook is left to the next one
    await Promise.race([runHook(run.preStop, target, { runtime, clock: context.clock, timeoutMs, signal }), late]);
  } catch (error) {
    const about = { ...pod, fieldPath: fieldPathOf(spec!) };
    const message = `PreStopHook failed`;
    context.log.debug('hook failed', { pod: pod.metadata.name, container: container.name, error });
    context.record(about, { type: 'Warning', reason: 'FailedPreStopHook', message });
  }
}

/** Removes what the runtime still has of a pod that has ended. */
export async function removeFromRuntime(context: PodContext, runtime: RuntimePod): Promise<void> {
  const { runtime: cri } = context.cri;
  for (const container of runtime.containers) if (!isAlive(container)) await cri.removeContainer(container.id);
  for (const sandbox of runtime.sandboxes) {
    await cri.stopSandbox(sandbox.id);
    await cri.removeSandbox(sandbox.id);
  }
}
