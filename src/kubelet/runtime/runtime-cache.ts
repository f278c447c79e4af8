import type { Cri, CriContainer, CriContainerStatus, Sandbox } from '#wire';
import { isGrpcError } from '#wire';
import { annotations, labels } from './labels.ts';
import { emptyPod, type RuntimeContainer, type RuntimePod, type RuntimeSandbox } from './runtime-pod.ts';
import { terminationMessage } from './termination-message.ts';

/**
 * What runs, as the runtime says. Lists are cheap and always asked anew; the details of one container are asked once for every state it is in.
 */
export interface RuntimeCache {
  /** Looks at everything and answers the uids of pods that changed since the last look. */
  relist(): Promise<string[]>;
  /** Looks at one pod. */
  refresh(uid: string): Promise<RuntimePod>;
  /** As of the last look. */
  pod(uid: string): RuntimePod | undefined;
  uids(): string[];
}

export function createRuntimeCache(cri: Cri): RuntimeCache {
  const details = new Map<string, { state: string; value: unknown }>();
  const pods = new Map<string, RuntimePod>();
  let seen = new Map<string, string>();

  /** Running containers and ready sandboxes do not change but by their state. */
  const detail = async <T>(id: string, state: string, ask: () => Promise<T>): Promise<T> => {
    const known = details.get(id);
    if (known?.state === state) return known.value as T;
    const value = await ask();
    details.set(id, { state, value });
    return value;
  };
  const sandboxOf = async (sandbox: Sandbox): Promise<RuntimeSandbox> => {
    const state = `sandbox ${sandbox.state}`;
    const status = await detail(sandbox.id, state, () => cri.runtime.sandboxStatus(sandbox.id));
    const { ip, additionalIps } = status.network ?? { ip: '', additionalIps: [] };
    return {
      id: sandbox.id,
      attempt: sandbox.metadata.attempt,
      ready: sandbox.state === 'SANDBOX_READY',
      createdAtMs: sandbox.createdAt / 1e6,
      hostNetwork: sandbox.annotations['wherry.dev/host-network'] === 'true',
      ips: [ip, ...additionalIps.map(one => one.ip)].filter(Boolean),
    };
  };
  const containerOf = (container: CriContainer): Promise<RuntimeContainer> =>
    detail(container.id, container.state, async () => {
      const status = await cri.runtime.containerStatus(container.id);
      return { ...toContainer(container, status), message: await terminationMessage(status) };
    });
  /** What vanished between the list and the question is left out. */
  const present = async <T>(asks: Promise<T>[]): Promise<T[]> => {
    const answers = await Promise.allSettled(asks);
    return answers.flatMap(answer => {
      if (answer.status === 'fulfilled') return [answer.value];
      if (isGrpcError(answer.reason, 'notFound')) return [];
      throw answer.reason;
    });
  };
  const refresh = async (uid: string): Promise<RuntimePod> => {
    const filter = { labelSelector: { [labels.podUid]: uid } };
    const [sandboxes, containers] = await Promise.all([
      cri.runtime.listSandboxes(filter),
      cri.runtime.listContainers(filter),
    ]);
    const first = sandboxes[0]?.labels ?? containers[0]?.labels;
    const pod: RuntimePod = {
      ...emptyPod(uid),
      namespace: first?.[labels.podNamespace] ?? '',
      name: first?.[labels.podName] ?? '',
      sandboxes: (await present(sandboxes.map(sandboxOf))).sort(newestFirst),
      containers: (await present(containers.map(containerOf))).sort(newestFirst),
    };
    if (sandboxes.length + containers.length > 0) pods.set(uid, pod);
    else pods.delete(uid);
    return pod;
  };
  return {
    refresh,
    pod: uid => pods.get(uid),
    uids: () => [...seen.keys()],
    async relist() {
      const [sandboxes, containers] = await Promise.all([cri.runtime.listSandboxes(), cri.runtime.listContainers()]);
      const now = new Map<string, string>();
      const ids = new Set<string>();
      for (const one of [...sandboxes, ...containers]) {
        const uid = one.labels[labels.podUid];
        if (!uid) continue;
        ids.add(one.id);
        now.set(uid, `${now.get(uid) ?? ''}${one.id} ${one.state};`);
      }
      for (const id of details.keys()) if (!ids.has(id)) details.delete(id);
      const changed = [...new Set([...now.keys(), ...seen.keys()])].filter(uid => now.get(uid) !== seen.get(uid));
      seen = now;
      return changed;
    },
  };
}

const newestFirst = (a: { createdAtMs: number }, b: { createdAtMs: number }) => b.createdAtMs - a.createdAtMs;

const states: Readonly<Record<string, RuntimeContainer['state']>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
};

function toContainer(listed: CriContainer, status: CriContainerStatus): RuntimeContainer {
  const { annotations: notes } = listed;
  return {
    id: listed.id,
    name: listed.labels[labels.containerName] ?? listed.metadata.name,
    sandboxId: listed.podSandboxId,
    state: states[listed.state] ?? 'unknown',
    restartCount: Number(notes[annotations.restartCount] ?? listed.metadata.attempt),
    hash: notes[annotations.hash] ?? '',
    image: status.image?.image ?? '',
    imageRef: status.imageRef,
    createdAtMs: listed.createdAt / 1e6,
    startedAtMs: status.startedAt / 1e6,
    finishedAtMs: status.finishedAt / 1e6,
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    logPath: status.logPath,
    annotations: notes,
  };
}
