/** The least that must be asked of containerd for one pod with one container: what the node agent is compared with. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ContainerConfig, type Cri, connectCri, type SandboxConfig } from '#wire';

export interface BareClient extends Disposable {
  /** Milliseconds from the first call to the answer of the last: sandbox, container, start. The pod is gone again when this resolves. */
  startPod(): Promise<number>;
  /** Resolves when at most `sandboxes` are left, and what was there has had a moment to go. */
  untilQuiet(sandboxes: number): Promise<void>;
}

/** What the node does after a pod is gone is over after this long. */
const quietMs = 500;
const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

export function connectBare(options: { socketPath: string; folder: string; image: string }): BareClient {
  const { folder, image } = options;
  const cri = connectCri({ socketPath: options.socketPath, now: Date.now });
  mkdirSync(join(folder, 'token'), { recursive: true });
  for (const file of ['hosts', 'message', 'token/token']) writeFileSync(join(folder, file), 'bench\n');
  let count = 0;
  return {
    async startPod() {
      const index = count++;
      const { id: imageId } = (await cri.images.status(image))!;
      const sandbox = sandboxConfig(`bare-${index}`, join(folder, 'logs', String(index)));
      mkdirSync(sandbox.logDirectory, { recursive: true });
      const startMs = performance.now();
      const sandboxId = await cri.runtime.runSandbox(sandbox);
      const container = await cri.runtime.createContainer(sandboxId, containerConfig(folder, imageId), sandbox);
      await cri.runtime.startContainer(container);
      const tookMs = performance.now() - startMs;
      await remove(cri, sandboxId, container);
      return tookMs;
    },
    async untilQuiet(sandboxes) {
      while ((await cri.runtime.listSandboxes()).length > sandboxes) await wait(50);
      await wait(quietMs);
    },
    [Symbol.dispose]() {
      cri.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function remove({ runtime }: Cri, sandboxId: string, containerId: string): Promise<void> {
  await runtime.stopContainer(containerId, 0);
  await runtime.removeContainer(containerId);
  await runtime.stopSandbox(sandboxId);
  await runtime.removeSandbox(sandboxId);
}

/** As the node agent asks it for a pod without any wishes. */
function sandboxConfig(name: string, logDirectory: string): SandboxConfig {
  return {
    metadata: { name, uid: name, namespace: 'bench', attempt: 0 },
    hostname: name,
    logDirectory,
    dnsConfig: { servers: ['10.43.0.10'], searches: ['svc.cluster.local'], options: ['ndots:5'] },
    portMappings: [],
    labels: {},
    annotations: {},
    linux: {
      // Below the pods of the node, whose `killall` then removes it too.
      cgroupParent: `/kubepods/besteffort/pod${name}`,
      securityContext: {
        namespaceOptions: { network: 'POD', ipc: 'POD', pid: 'CONTAINER' },
        privileged: false,
        seccomp: { profileType: 'RuntimeDefault' },
      },
    },
  };
}

function containerConfig(folder: string, imageId: string): ContainerConfig {
  const mount = (containerPath: string, file: string) => ({
    ...{ containerPath, hostPath: join(folder, file), propagation: 'PROPAGATION_PRIVATE' as const },
  });
  return {
    metadata: { name: 'main', attempt: 0 },
    image: { image: imageId },
    command: ['sleep', '100000'],
    args: [],
    workingDir: '',
    envs: [],
    mounts: [
      { ...mount('/var/run/secrets/kubernetes.io/serviceaccount', 'token'), readonly: true },
      mount('/etc/hosts', 'hosts'),
      mount('/dev/termination-log', 'message'),
    ],
    devices: [],
    labels: {},
    annotations: {},
    logPath: '0.log',
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: {
      resources: { cpuShares: 2, oomScoreAdj: 1000 },
      securityContext: {
        privileged: false,
        namespaceOptions: { network: 'POD', ipc: 'POD', pid: 'CONTAINER' },
        readonlyRootfs: false,
        noNewPrivs: false,
        seccomp: { profileType: 'Unconfined' },
      },
    },
  };
}
