import { join } from 'node:path';

/** What containerd is run with. Paths are absolute. */
export interface ContainerdConfig {
  /** Images and snapshots. */
  rootDir: string;
  /** What must not survive a reboot. */
  stateDir: string;
  socketPath: string;
  configPath: string;
  logPath: string;
  cniConfDir: string;
  cniBinDirs: readonly string[];
  /** Full name of the image that keeps a pod's namespaces. */
  pauseImage: string;
  cgroupDriver: 'cgroupfs' | 'systemd';
  snapshotter: 'overlayfs' | 'native';
  /** Where CAP_SYS_RESOURCE is lacking, or runc fails to lower a container's oom_score_adj. */
  restrictOomScoreAdj: boolean;
  /** A folder per registry with its hosts.toml (containerd's certs.d). */
  registriesDir: string;
  programs: { containerd: string; runc: string; ctr: string };
}

/** Snapshotters and helpers that a node does not use; they only slow the start and warn in the log. */
const unused = [
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
];

/** The configuration file, version 2, which containerd 1.5 to 2.x read. Source: containerd docs/cri/config.md. */
export function renderContainerdConfig(config: ContainerdConfig): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return [
    '# Written by Wherry at every start; changes are lost.',
    'version = 2',
    `root = ${text(config.rootDir)}`,
    `state = ${text(config.stateDir)}`,
    // The kernel should take containers before what runs them; the runtime gives each of them its own score.
    `oom_score = ${config.restrictOomScoreAdj ? 0 : -999}`,
    `disabled_plugins = [${unused.map(text).join(', ')}]`,
    '[grpc]',
    `address = ${text(config.socketPath)}`,
    `[${cri}]`,
    `sandbox_image = ${text(config.pauseImage)}`,
    `restrict_oom_score_adj = ${config.restrictOomScoreAdj}`,
    'disable_tcp_service = true',
    'stream_server_address = "127.0.0.1"',
    'stream_server_port = "0"',
    // Ports below 1024 and ping without privileges, as upstream's defaults of containerd 2 have it.
    'enable_unprivileged_ports = true',
    'enable_unprivileged_icmp = true',
    `[${cri}.containerd]`,
    `snapshotter = ${text(config.snapshotter)}`,
    'default_runtime_name = "runc"',
    `[${cri}.containerd.runtimes.runc]`,
    'runtime_type = "io.containerd.runc.v2"',
    `[${cri}.containerd.runtimes.runc.options]`,
    `BinaryName = ${text(config.programs.runc)}`,
    // The default is one folder for every containerd of the machine.
    `Root = ${text(join(config.stateDir, 'runc'))}`,
    `SystemdCgroup = ${config.cgroupDriver === 'systemd'}`,
    `[${cri}.cni]`,
    // containerd 1.x takes one folder: the first that has the plugins.
    `bin_dir = ${text(config.cniBinDirs[0] ?? '/opt/cni/bin')}`,
    `conf_dir = ${text(config.cniConfDir)}`,
    `[${cri}.registry]`,
    `config_path = ${text(config.registriesDir)}`,
    '',
  ].join('\n');
}

/** JSON's strings are TOML's basic strings. */
function text(value: string): string {
  return JSON.stringify(value);
}
