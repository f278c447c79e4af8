import type { Pod, PodSpec, PodStatus } from '#api';
import { formatTime } from '#base';
import type { RuntimeContainer, RuntimePod, RuntimeSandbox } from './runtime/runtime-pod.ts';

/** When the clocks of the tests start. */
export const startMs = Date.UTC(2026, 0, 1);
export const startTime = formatTime(startMs);

/** A pod `web` in `default` with one container `app`, but for what is said. */
export function aPod(spec: Partial<PodSpec> = {}, more: { metadata?: object; status?: PodStatus } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-1', ...more.metadata },
    spec: {
      nodeName: 'node-1',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      containers: [{ name: 'app', image: 'app:1' }],
      ...spec,
    },
    ...(more.status && { status: more.status }),
  };
}

/** A container at the runtime; it runs, in the sandbox `s1`, unless said otherwise. */
export function aContainer(name: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer {
  const exited = more.state === 'exited';
  return {
    ...{ id: `${name}-${more.restartCount ?? 0}`, name, sandboxId: 's1', state: 'running', restartCount: 0, hash: '' },
    ...{ image: `${name}:1`, imageRef: `sha256:${name}`, createdAtMs: startMs, startedAtMs: startMs },
    ...{ finishedAtMs: exited ? startMs + 5000 : 0, exitCode: 0, reason: '', message: '', logPath: '' },
    annotations: {},
    ...more,
  };
}

export const exited = (name: string, exitCode: number, more: Partial<RuntimeContainer> = {}): RuntimeContainer =>
  aContainer(name, { state: 'exited', exitCode, ...more });

export function aSandbox(more: Partial<RuntimeSandbox> = {}): RuntimeSandbox {
  return { id: 's1', attempt: 0, ready: true, createdAtMs: startMs, hostNetwork: false, ips: ['10.42.0.2'], ...more };
}

/** The pod of `aPod` at the runtime: a ready sandbox with these containers, newest first. */
export function atRuntime(containers: readonly RuntimeContainer[], sandboxes = [aSandbox()]): RuntimePod {
  return { uid: 'uid-1', namespace: 'default', name: 'web', sandboxes, containers };
}
