import type { Pod } from '#api';

/** One container as the runtime knows it. */
export interface ContainerView {
  id: string;
  /** Absolute path of the newest log file. */
  logPath: string;
  isRunning: boolean;
}

export interface StreamRequest {
  containerId: string;
  command: readonly string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** What the node agent's HTTPS server asks of the node agent. */
export interface KubeletView {
  pods(): readonly Pod[];
  /** The pod with its newest status; undefined when it is not on this node. */
  pod(namespace: string, name: string): Pod | undefined;
  /** The container's newest instance, or the one before; undefined when there is none. */
  container(pod: Pod, name: string, options: { previous: boolean }): Promise<ContainerView | undefined>;
  /** Addresses at the runtime where the streams are served. Reject when the runtime refuses. */
  execUrl(request: StreamRequest): Promise<string>;
  attachUrl(request: Omit<StreamRequest, 'command'>): Promise<string>;
  portForwardUrl(pod: Pod): Promise<string>;
  /** The document of /stats/summary. */
  statsSummary(): Promise<unknown>;
}
