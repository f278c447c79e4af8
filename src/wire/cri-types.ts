/** The parts of CRI v1 (k8s.io/cri-api runtime/v1) that the node agent uses, in camelCase. Names and meanings are upstream's. */

export type SandboxState = 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
export type CriContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';
export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET';
export type MountPropagation = 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL';
export type StringMap = Record<string, string>;

export interface SandboxMetadata {
  name: string;
  uid: string;
  namespace: string;
  attempt: number;
}
export interface NamespaceOption {
  network?: NamespaceMode;
  pid?: NamespaceMode;
  ipc?: NamespaceMode;
  targetId?: string;
}
export interface SecurityProfile {
  profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  localhostRef?: string;
}
export interface SeLinuxOption {
  user?: string | undefined;
  role?: string | undefined;
  type?: string | undefined;
  level?: string | undefined;
}
export interface Int64Value {
  value: number;
}
export interface LinuxResources {
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuShares?: number;
  memoryLimitInBytes?: number;
  oomScoreAdj?: number;
  hugepageLimits?: { pageSize: string; limit: number }[];
  unified?: StringMap;
  memorySwapLimitInBytes?: number;
}
export interface PortMapping {
  protocol: 'TCP' | 'UDP' | 'SCTP';
  containerPort: number;
  hostPort: number;
  hostIp: string;
}
export interface SandboxConfig {
  metadata: SandboxMetadata;
  hostname: string;
  logDirectory: string;
  dnsConfig?: { servers: string[]; searches: string[]; options: string[] };
  portMappings: PortMapping[];
  labels: StringMap;
  annotations: StringMap;
  linux: {
    cgroupParent: string;
    securityContext: {
      namespaceOptions: NamespaceOption;
      selinuxOptions?: SeLinuxOption;
      runAsUser?: Int64Value;
      runAsGroup?: Int64Value;
      supplementalGroups?: number[];
      privileged?: boolean;
      seccomp?: SecurityProfile;
    };
    sysctls?: StringMap;
    overhead?: LinuxResources;
    resources?: LinuxResources;
  };
}
export interface Sandbox {
  id: string;
  metadata: SandboxMetadata;
  state: SandboxState;
  /** Nanoseconds since 1970, as all times here. */
  createdAt: number;
  labels: StringMap;
  annotations: StringMap;
}
export interface SandboxStatus extends Sandbox {
  network?: { ip: string; additionalIps: { ip: string }[] };
}
export interface CriMount {
  containerPath: string;
  hostPath: string;
  readonly?: boolean;
  selinuxRelabel?: boolean;
  propagation?: MountPropagation;
}
export interface ContainerMetadata {
  name: string;
  attempt: number;
}
export interface CriContainer {
  id: string;
  podSandboxId: string;
  metadata: ContainerMetadata;
  image?: { image: string };
  imageRef: string;
  state: CriContainerState;
  createdAt: number;
  labels: StringMap;
  annotations: StringMap;
}
export interface CriContainerStatus {
  id: string;
  metadata: ContainerMetadata;
  state: CriContainerState;
  createdAt: number;
  startedAt: number;
  finishedAt: number;
  exitCode: number;
  image?: { image: string };
  imageRef: string;
  reason: string;
  message: string;
  labels: StringMap;
  annotations: StringMap;
  mounts: CriMount[];
  logPath: string;
}
export interface LinuxSecurityContext {
  capabilities?: { addCapabilities: string[]; dropCapabilities: string[]; addAmbientCapabilities?: string[] };
  privileged: boolean;
  namespaceOptions: NamespaceOption;
  selinuxOptions?: SeLinuxOption;
  runAsUser?: Int64Value;
  runAsGroup?: Int64Value;
  runAsUsername?: string;
  readonlyRootfs: boolean;
  supplementalGroups?: number[];
  /** Merge (the default) adds the groups that the image's /etc/group knows. */
  supplementalGroupsPolicy?: 'Merge' | 'Strict';
  noNewPrivs: boolean;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  seccomp?: SecurityProfile;
  apparmor?: SecurityProfile;
}
export interface ContainerConfig {
  metadata: ContainerMetadata;
  image: { image: string; userSpecifiedImage?: string };
  command: string[];
  args: string[];
  workingDir: string;
  envs: { key: string; value: string }[];
  mounts: CriMount[];
  devices: { containerPath: string; hostPath: string; permissions: string }[];
  labels: StringMap;
  annotations: StringMap;
  logPath: string;
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  linux: { resources: LinuxResources; securityContext: LinuxSecurityContext };
}
export interface CriImage {
  id: string;
  repoTags: string[];
  repoDigests: string[];
  size: number;
  uid?: Int64Value;
  username: string;
  pinned: boolean;
}
export interface AuthConfig {
  username?: string;
  password?: string;
  auth?: string;
  serverAddress?: string;
  identityToken?: string;
  registryToken?: string;
}
export interface Amount {
  value: number;
}
export interface CriContainerStats {
  attributes: { id: string; metadata: ContainerMetadata; labels: StringMap; annotations: StringMap };
  cpu?: { timestamp: number; usageCoreNanoSeconds?: Amount; usageNanoCores?: Amount };
  memory?: {
    timestamp: number;
    workingSetBytes?: Amount;
    availableBytes?: Amount;
    usageBytes?: Amount;
    rssBytes?: Amount;
    pageFaults?: Amount;
    majorPageFaults?: Amount;
  };
  writableLayer?: { timestamp: number; fsId?: { mountpoint: string }; usedBytes?: Amount; inodesUsed?: Amount };
}
export interface FilesystemUsage {
  timestamp: number;
  fsId?: { mountpoint: string };
  usedBytes?: Amount;
  inodesUsed?: Amount;
}
export interface RuntimeCondition {
  /** `RuntimeReady`, `NetworkReady`. */
  type: string;
  status: boolean;
  reason: string;
  message: string;
}
export interface ListFilter {
  labelSelector?: StringMap;
}
/** What kind of answer a stream request gets: the address where the runtime serves it. */
export interface StreamOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}
