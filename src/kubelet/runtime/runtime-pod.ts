/** A pod as the runtime knows it. Lists are newest first. */
export interface RuntimePod {
  uid: string;
  namespace: string;
  name: string;
  sandboxes: readonly RuntimeSandbox[];
  containers: readonly RuntimeContainer[];
}

export interface RuntimeSandbox {
  id: string;
  attempt: number;
  ready: boolean;
  createdAtMs: number;
  hostNetwork: boolean;
  /** Empty for pods on the node's network, and while there is none. */
  ips: readonly string[];
}

export interface RuntimeContainer {
  id: string;
  name: string;
  sandboxId: string;
  state: 'created' | 'running' | 'exited' | 'unknown';
  restartCount: number;
  /** Of what the container was made from; empty when not ours. */
  hash: string;
  image: string;
  imageRef: string;
  createdAtMs: number;
  /** 0 when it never ran. */
  startedAtMs: number;
  /** 0 while it runs. */
  finishedAtMs: number;
  exitCode: number;
  reason: string;
  message: string;
  logPath: string;
  annotations: Readonly<Record<string, string>>;
}

export const emptyPod = (uid: string): RuntimePod => ({
  ...{ uid, namespace: '', name: '', sandboxes: [], containers: [] },
});

/** The newest instance of a container; undefined when it was never made. */
export function newestOf(pod: RuntimePod, name: string): RuntimeContainer | undefined {
  return pod.containers.find(container => container.name === name);
}

export const isAlive = (container: RuntimeContainer): boolean =>
  container.state === 'running' || container.state === 'unknown';

/** The sandbox that the pod lives in; undefined when none is ready. */
export const currentSandbox = (pod: RuntimePod): RuntimeSandbox | undefined => pod.sandboxes.find(one => one.ready);
