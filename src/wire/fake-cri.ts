import type { Cri } from './cri.ts';
import type {
  AuthConfig,
  ContainerConfig,
  CriContainer,
  CriContainerStatus,
  CriImage,
  RuntimeCondition,
  Sandbox,
  SandboxConfig,
  StringMap,
} from './cri-types.ts';
import { GrpcError } from './grpc.ts';

/** A runtime in memory. What containers do is told by the test. */
export interface FakeCri extends Cri {
  /** Every call that changes something, as `method subject`. */
  readonly calls: string[];
  readonly sandboxes: Map<string, FakeSandbox>;
  readonly containers: Map<string, FakeContainer>;
  readonly imageStore: Map<string, CriImage>;
  conditions: RuntimeCondition[];
  /** Auth that pulls were made with, in order. */
  readonly pulls: { image: string; auth: AuthConfig | undefined }[];
  addImage(name: string, more?: Partial<CriImage>): void;
  /** Ends a running container of that name (newest), as a process that exits. */
  exit(name: string, exitCode: number, more?: { reason?: string; message?: string }): void;
  /** Called before every call; throws to refuse it. */
  refuse(decide: (method: string, subject: string) => GrpcError | undefined): void;
  /** What commands answer; default: exit 0 with no output. */
  onExec(
    run: (containerId: string, command: readonly string[]) => { exitCode: number; stdout?: string; stderr?: string },
  ): void;
  /** What pulls do; default: the image appears. */
  onPull(pull: (image: string) => Promise<void>): void;
  /** Called after every change, as an event of the runtime. */
  onChange?: (() => void) | undefined;
  newest(name: string): FakeContainer | undefined;
}

export interface FakeSandbox extends Sandbox {
  ip: string;
  config: SandboxConfig;
}
export interface FakeContainer extends CriContainerStatus {
  podSandboxId: string;
  config: ContainerConfig;
  /** Seconds of grace that stops were given, in order. */
  stops: number[];
}

const matches = (labels: StringMap, wanted: StringMap = {}) =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

export function createFakeCri({ now }: { now: () => number }): FakeCri {
  const [calls, pulls] = [[], []] as [string[], FakeCri['pulls']];
  const sandboxes: FakeCri['sandboxes'] = new Map();
  const containers: FakeCri['containers'] = new Map();
  const imageStore: FakeCri['imageStore'] = new Map();
  let [serial, nextIp] = [0, 2];
  let decide: Parameters<FakeCri['refuse']>[0] = () => undefined;
  let runCommand: Parameters<FakeCri['onExec']>[0] = () => ({ exitCode: 0 });
  let pull: Parameters<FakeCri['onPull']>[0] = async image => fake.addImage(image);
  /** Ever growing, so that order by creation is that of the calls. */
  const nanos = () => now() * 1_000_000 + serial * 1000;
  const newId = () => (++serial).toString(16).padStart(64, '0');
  const enter = (method: string, subject: string, changes = true) => {
    if (changes) calls.push(`${method} ${subject}`);
    const error = decide(method, subject);
    if (error) throw error;
  };
  const must = <T>(map: Map<string, T>, id: string, what: string): T => {
    const found = map.get(id);
    if (!found) throw new GrpcError('notFound', `an error occurred when try to find ${what} "${id}": not found`);
    return found;
  };
  const container = (id: string) => must(containers, id, 'container');
  const end = (one: FakeContainer, exitCode: number, reason: string, message = '') => {
    Object.assign(one, { state: 'CONTAINER_EXITED', exitCode, reason, message, finishedAt: nanos() });
    fake.onChange?.();
  };
  const runtime: Cri['runtime'] = {
    version: async () => ({ runtimeName: 'fake', runtimeVersion: '1', runtimeApiVersion: 'v1' }),
    status: async () => fake.conditions,
    async runSandbox(config) {
      enter('runSandbox', config.metadata.name);
      const id = newId();
      const { metadata, labels, annotations } = config;
      const ip = config.linux.securityContext.namespaceOptions.network === 'NODE' ? '' : `10.42.0.${nextIp++}`;
      sandboxes.set(id, {
        ...{ id, metadata, labels, annotations, config, ip },
        ...{ state: 'SANDBOX_READY', createdAt: nanos() },
      });
      return id;
    },
    async stopSandbox(id) {
      enter('stopSandbox', sandboxes.get(id)?.metadata.name ?? id);
      const sandbox = sandboxes.get(id);
      if (sandbox) sandbox.state = 'SANDBOX_NOTREADY';
      for (const one of containers.values()) {
        if (one.podSandboxId === id && one.state === 'CONTAINER_RUNNING') end(one, 137, 'Error');
      }
      fake.onChange?.();
    },
    async removeSandbox(id) {
      enter('removeSandbox', sandboxes.get(id)?.metadata.name ?? id);
      sandboxes.delete(id);
      for (const one of [...containers.values()]) if (one.podSandboxId === id) containers.delete(one.id);
    },
    async sandboxStatus(id) {
      enter('sandboxStatus', id, false);
      const { ip, config: _config, ...rest } = must(sandboxes, id, 'sandbox');
      return structuredClone({ ...rest, network: { ip, additionalIps: [] } });
    },
    async listSandboxes(filter) {
      enter('listSandboxes', '', false);
      const found = [...sandboxes.values()].filter(one => matches(one.labels, filter?.labelSelector));
      return found.map(({ config: _config, ip: _ip, ...rest }) => structuredClone(rest));
    },
    async createContainer(podSandboxId, config) {
      enter('createContainer', config.metadata.name);
      must(sandboxes, podSandboxId, 'sandbox');
      const id = newId();
      const { metadata, labels, annotations, mounts, logPath } = config;
      containers.set(id, {
        ...{ id, podSandboxId, metadata, labels, annotations, mounts, logPath, config, stops: [] },
        ...{ state: 'CONTAINER_CREATED', createdAt: nanos(), startedAt: 0, finishedAt: 0, exitCode: 0 },
        ...{ image: { image: config.image.image }, imageRef: config.image.image, reason: '', message: '' },
      });
      return id;
    },
    async startContainer(id) {
      const one = container(id);
      enter('startContainer', one.metadata.name);
      Object.assign(one, { state: 'CONTAINER_RUNNING', startedAt: nanos() });
      fake.onChange?.();
    },
    async stopContainer(id, graceSeconds) {
      const one = containers.get(id);
      enter('stopContainer', one?.metadata.name ?? id);
      one?.stops.push(graceSeconds);
      if (one?.state === 'CONTAINER_RUNNING') end(one, 137, 'Error');
    },
    async removeContainer(id) {
      enter('removeContainer', containers.get(id)?.metadata.name ?? id);
      containers.delete(id);
    },
    async containerStatus(id) {
      enter('containerStatus', id, false);
      const { config: _config, stops: _stops, podSandboxId: _id, ...rest } = container(id);
      return structuredClone(rest);
    },
    containerInfo: async () => ({}),
    async listContainers(filter) {
      enter('listContainers', '', false);
      const found = [...containers.values()].filter(one => matches(one.labels, filter?.labelSelector));
      return found.map(({ config: _config, stops: _stops, ...rest }): CriContainer => structuredClone(rest));
    },
    async updateContainerResources(id) {
      enter('updateContainerResources', container(id).metadata.name);
    },
    async reopenContainerLog(id) {
      enter('reopenContainerLog', container(id).metadata.name);
    },
    async execSync(id, command) {
      enter('execSync', command.join(' '));
      const { exitCode, stdout = '', stderr = '' } = runCommand(id, command);
      return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
    },
    exec: async id => `http://127.0.0.1:1/exec/${id}`,
    attach: async id => `http://127.0.0.1:1/attach/${id}`,
    portForward: async id => `http://127.0.0.1:1/portforward/${id}`,
    listContainerStats: async () =>
      [...containers.values()].map(({ id, metadata, labels, annotations }) => ({
        attributes: { id, metadata, labels, annotations },
        cpu: { timestamp: nanos(), usageCoreNanoSeconds: { value: 1e9 } },
        memory: { timestamp: nanos(), workingSetBytes: { value: 1 << 20 } },
      })),
  };
  const images: Cri['images'] = {
    list: async () => [...new Set(imageStore.values())].map(image => structuredClone(image)),
    async status(name) {
      enter('imageStatus', name, false);
      return structuredClone(imageStore.get(name) ?? [...imageStore.values()].find(image => image.id === name));
    },
    async pull(image, auth) {
      enter('pullImage', image);
      pulls.push({ image, auth });
      await pull(image);
      return must(imageStore, image, 'image').id;
    },
    async remove(name) {
      enter('removeImage', name);
      const id = imageStore.get(name)?.id ?? name;
      for (const [key, image] of [...imageStore]) if (image.id === id) imageStore.delete(key);
    },
    fsInfo: async () => [{ timestamp: nanos(), fsId: { mountpoint: '/' }, usedBytes: { value: 0 } }],
  };
  const ready = (type: string): RuntimeCondition => ({ type, status: true, reason: '', message: '' });
  const fake: FakeCri = {
    ...{ runtime, images, calls, pulls, sandboxes, containers, imageStore },
    conditions: [ready('RuntimeReady'), ready('NetworkReady')],
    addImage(name, more) {
      const id = `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}`;
      imageStore.set(name, {
        ...{ id, repoTags: [name], repoDigests: [], size: 1000, username: '', pinned: false },
        ...more,
      });
    },
    exit(name, exitCode, more = {}) {
      const running = [...containers.values()].filter(
        one => one.metadata.name === name && one.state === 'CONTAINER_RUNNING',
      );
      const one = running.at(-1);
      if (!one) throw new Error(`no running container ${name}`);
      end(one, exitCode, more.reason ?? (exitCode === 0 ? 'Completed' : 'Error'), more.message);
    },
    refuse(next) {
      decide = next;
    },
    onExec(next) {
      runCommand = next;
    },
    onPull(next) {
      pull = next;
    },
    newest: name => [...containers.values()].filter(one => one.metadata.name === name).at(-1),
    close: () => undefined,
  };
  return fake;
}
