import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Pod } from '#api';
import { isGrpcError, type SandboxConfig } from '#wire';
import { type DnsConfig, podDns } from '../containers/dns.ts';
import { hostsFile, podHostname } from '../containers/hosts-file.ts';
import { podCgroup, podLimits } from '../containers/resources.ts';
import { podLogDirectory, sandboxConfig } from '../containers/sandbox-config.ts';
import type { RuntimeSandbox } from '../runtime/runtime-pod.ts';
import { hostsPath, podDir } from '../volumes/pod-paths.ts';
import { VolumeError } from '../volumes/volume-error.ts';
import type { PodContext } from './context.ts';
import { describePod } from './pod-spec.ts';

export const cgroupRootOf = (context: Pick<PodContext, 'config'>): string => context.config.cgroupRoot ?? '/kubepods';

/** The sandbox as it was or is to be made. */
export function sandboxConfigOf(context: PodContext, pod: Pod, attempt: number): SandboxConfig {
  const { config } = context;
  return sandboxConfig(pod, {
    attempt,
    podLogsDir: config.podLogsDir,
    cgroupParent: podCgroup(pod, { driver: config.cgroupDriver, root: cgroupRootOf(context) }),
    dns: dnsOf(context, pod),
    clusterDomain: config.clusterDomain,
    seccompRoot: seccompRootOf(context),
  });
}

export const seccompRootOf = ({ config }: PodContext): string => `${config.rootDir}/seccomp`;

function dnsOf({ config, hostDns }: PodContext, pod: Pod): DnsConfig {
  return podDns(pod, { clusterDns: config.clusterDns, clusterDomain: config.clusterDomain, host: hostDns });
}

/** Makes volumes, group, folders and the sandbox. False when it failed; the event has been recorded. */
export async function startSandbox(
  context: PodContext,
  pod: Pod,
  { attempt, replaces }: { attempt: number; replaces: boolean },
): Promise<boolean> {
  const { config, cri } = context;
  const uid = pod.metadata.uid ?? '';
  if (replaces) {
    const message = 'Pod sandbox changed, it will be killed and re-created.';
    context.record(pod, { type: 'Normal', reason: 'SandboxChanged', message });
  }
  await mkdir(podDir(config.rootDir, uid), { recursive: true, mode: 0o750 });
  const [isPrepared] = await Promise.all([
    prepareVolumes(context, pod, []),
    makeGroup(context, pod),
    mkdir(podLogDirectory(config.podLogsDir, pod), { recursive: true, mode: 0o755 }),
  ]);
  if (!isPrepared) return false;
  const made = sandboxConfigOf(context, pod, attempt);
  try {
    await cri.runtime.runSandbox(made);
  } catch (error) {
    if (!isGrpcError(error)) throw error;
    const message = `Failed to create pod sandbox: ${error.grpcText}`;
    context.record(pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message });
    context.log.warn('sandbox not created', { pod: describePod(pod), error });
    return false;
  }
  context.memory(uid).sandboxConfig = made;
  return true;
}

/** systemd's groups are made by the runtime. */
async function makeGroup(context: PodContext, pod: Pod): Promise<void> {
  if (context.config.cgroupDriver !== 'cgroupfs') return;
  const group = podCgroup(pod, { driver: 'cgroupfs', root: cgroupRootOf(context) });
  await context.cgroups.ensure(group, podLimits(pod));
}

/** Makes the volumes ready, or their files new. False when one cannot be. */
export async function prepareVolumes(context: PodContext, pod: Pod, podIps: readonly string[]): Promise<boolean> {
  const memory = context.memory(pod.metadata.uid ?? '');
  try {
    memory.volumesStale = false;
    memory.volumes = await context.volumes.prepare(pod, downwardFacts(context, podIps));
    return true;
  } catch (error) {
    memory.volumesStale = true;
    const message =
      error instanceof VolumeError ? error.message : `MountVolume.SetUp failed : ${(error as Error).message}`;
    context.record(pod, { type: 'Warning', reason: 'FailedMount', message });
    context.log.debug('volumes not ready', { pod: describePod(pod), error });
    return false;
  }
}

export function downwardFacts({ config, node }: PodContext, podIps: readonly string[]) {
  return { hostIps: config.nodeIps, podIps, allocatable: node.allocatable() };
}

/** Opens the way for the pod's processes: the network gate, then /etc/hosts. Once for every sandbox. */
export async function openSandbox(context: PodContext, pod: Pod, sandbox: RuntimeSandbox): Promise<void> {
  const uid = pod.metadata.uid ?? '';
  const memory = context.memory(uid);
  if (memory.gated.has(sandbox.id)) return;
  const { config } = context;
  const ips = pod.spec.hostNetwork ? config.nodeIps : sandbox.ips;
  await context.beforeContainers?.(pod, ips);
  const hostname = podHostname(pod, config.clusterDomain).split('.')[0] ?? '';
  const nodeHosts = await readFile('/etc/hosts', 'utf8').catch(() => ''); // a node without the file has nothing to add
  const text = hostsFile(pod, { ips, hostname, clusterDomain: config.clusterDomain, nodeHosts });
  await mkdir(podDir(config.rootDir, uid), { recursive: true, mode: 0o750 });
  await writeFile(hostsPath(config.rootDir, uid), text, { mode: 0o644 });
  memory.gated.add(sandbox.id);
}
