import type {
  AuthConfig,
  ContainerConfig,
  CriContainer,
  CriContainerStats,
  CriContainerStatus,
  CriImage,
  FilesystemUsage,
  LinuxResources,
  ListFilter,
  RuntimeCondition,
  Sandbox,
  SandboxConfig,
  SandboxStatus,
  StreamOptions,
  StringMap,
} from './cri-types.ts';
import { connectGrpc } from './grpc.ts';

/** The runtime service. Every call rejects with GrpcError. Removing and stopping what does not exist succeeds, as CRI demands. */
export interface CriRuntime {
  version(): Promise<{ runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }>;
  status(): Promise<RuntimeCondition[]>;
  runSandbox(config: SandboxConfig, runtimeHandler?: string): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  sandboxStatus(id: string): Promise<SandboxStatus>;
  listSandboxes(filter?: ListFilter): Promise<Sandbox[]>;
  createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** SIGTERM (or the image's signal), then SIGKILL after `graceSeconds`; resolves when the container has ended. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<CriContainerStatus>;
  /** As containerStatus, with the runtime's own details as JSON texts. */
  containerInfo(id: string): Promise<StringMap>;
  listContainers(filter?: ListFilter): Promise<CriContainer[]>;
  updateContainerResources(id: string, linux: LinuxResources): Promise<void>;
  reopenContainerLog(id: string): Promise<void>;
  /** Runs to the end; rejects with `deadlineExceeded` when it takes longer than `timeoutMs`. */
  execSync(
    id: string,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<{ stdout: Buffer; stderr: Buffer; exitCode: number }>;
  exec(containerId: string, command: readonly string[], options: StreamOptions): Promise<string>;
  attach(containerId: string, options: StreamOptions): Promise<string>;
  portForward(sandboxId: string, ports: readonly number[]): Promise<string>;
  listContainerStats(): Promise<CriContainerStats[]>;
}

export interface CriImages {
  list(): Promise<CriImage[]>;
  /** Undefined when the image is not there. */
  status(image: string): Promise<CriImage | undefined>;
  /** The id of the pulled image. */
  pull(image: string, auth: AuthConfig | undefined, sandbox: SandboxConfig, signal?: AbortSignal): Promise<string>;
  remove(image: string): Promise<void>;
  fsInfo(): Promise<FilesystemUsage[]>;
}

export interface Cri {
  runtime: CriRuntime;
  images: CriImages;
  close(): void;
}

/** Upstream's runtimeRequestTimeout. */
const usualMs = 2 * 60 * 1000;
/** Creating a sandbox may have to wait for the network plugin. */
const sandboxMs = 4 * 60 * 1000;
/** A pull has no deadline of its own: the runtime gives up when nothing arrives. */
const pullMs = Number.POSITIVE_INFINITY;

/** CRI v1 on a unix socket. Nothing is sent before the first call. `now` is the wall clock in milliseconds. */
export function connectCri({ socketPath, now }: { socketPath: string; now: () => number }): Cri {
  const connection = connectGrpc({ address: `unix://${socketPath}`, now });
  const schema = loadSchema();
  schema.catch(() => undefined); // a failed import is met by every call
  const caller =
    (service: string) =>
    async <T>(name: string, message: object, timeoutMs = usualMs, signal?: AbortSignal): Promise<T> =>
      (await connection.call({ method: (await schema)(service, name), message, timeoutMs, signal })) as T;
  return {
    runtime: runtimeOf(caller('RuntimeService')),
    images: imagesOf(caller('ImageService')),
    close: () => connection.close(),
  };
}

/** Not with this room: only a node speaks with a container runtime. */
async function loadSchema() {
  const [{ readSchema }, { default: table }] = await Promise.all([
    import('./grpc-schema.ts'),
    import('./tables/cri-v1.json', { with: { type: 'json' } }),
  ]);
  return readSchema('runtime.v1', table as never);
}

type Caller = <T>(name: string, message: object, timeoutMs?: number, signal?: AbortSignal) => Promise<T>;

function runtimeOf(call: Caller): CriRuntime {
  return {
    version: () => call('Version', { version: 'v1' }),
    status: async () => (await call<{ status: { conditions: RuntimeCondition[] } }>('Status', {})).status.conditions,
    runSandbox: async (config, runtimeHandler = '') =>
      (await call<{ podSandboxId: string }>('RunPodSandbox', { config, runtimeHandler }, sandboxMs)).podSandboxId,
    stopSandbox: async id => void (await call('StopPodSandbox', { podSandboxId: id })),
    removeSandbox: async id => void (await call('RemovePodSandbox', { podSandboxId: id })),
    sandboxStatus: async id => (await call<{ status: SandboxStatus }>('PodSandboxStatus', { podSandboxId: id })).status,
    listSandboxes: async (filter = {}) => (await call<{ items: Sandbox[] }>('ListPodSandbox', { filter })).items,
    createContainer: async (podSandboxId, config, sandboxConfig) =>
      (await call<{ containerId: string }>('CreateContainer', { podSandboxId, config, sandboxConfig })).containerId,
    startContainer: async containerId => void (await call('StartContainer', { containerId })),
    stopContainer: async (containerId, timeout) =>
      void (await call('StopContainer', { containerId, timeout }, usualMs + timeout * 1000)),
    removeContainer: async containerId => void (await call('RemoveContainer', { containerId })),
    containerStatus: async containerId =>
      (await call<{ status: CriContainerStatus }>('ContainerStatus', { containerId })).status,
    containerInfo: async containerId =>
      (await call<{ info: StringMap }>('ContainerStatus', { containerId, verbose: true })).info,
    listContainers: async (filter = {}) =>
      (await call<{ containers: CriContainer[] }>('ListContainers', { filter })).containers,
    updateContainerResources: async (containerId, linux) =>
      void (await call('UpdateContainerResources', { containerId, linux })),
    reopenContainerLog: async containerId => void (await call('ReopenContainerLog', { containerId })),
    execSync: (containerId, cmd, timeoutMs) =>
      // The runtime ends the command at its own timeout; ours is only there for a runtime that does not answer.
      call('ExecSync', { containerId, cmd, timeout: Math.ceil(timeoutMs / 1000) }, timeoutMs + 10_000),
    exec: async (containerId, cmd, options) =>
      (await call<{ url: string }>('Exec', { containerId, cmd, ...options })).url,
    attach: async (containerId, options) => (await call<{ url: string }>('Attach', { containerId, ...options })).url,
    portForward: async (podSandboxId, port) => (await call<{ url: string }>('PortForward', { podSandboxId, port })).url,
    listContainerStats: async () =>
      (await call<{ stats: CriContainerStats[] }>('ListContainerStats', { filter: {} })).stats,
  };
}

function imagesOf(call: Caller): CriImages {
  return {
    list: async () => (await call<{ images: CriImage[] }>('ListImages', { filter: {} })).images,
    status: async image => (await call<{ image?: CriImage }>('ImageStatus', { image: { image } })).image,
    pull: async (image, auth, sandboxConfig, signal) =>
      (await call<{ imageRef: string }>('PullImage', { image: { image }, auth, sandboxConfig }, pullMs, signal))
        .imageRef,
    remove: async image => void (await call('RemoveImage', { image: { image } })),
    fsInfo: async () => (await call<{ imageFilesystems: FilesystemUsage[] }>('ImageFsInfo', {})).imageFilesystems,
  };
}
