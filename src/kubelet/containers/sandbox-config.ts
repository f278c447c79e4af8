import { join } from 'node:path';
import type { Pod } from '#api';
import type { PortMapping, SandboxConfig } from '#wire';
import { containersOf } from '../pods/pod-spec.ts';
import { labels } from '../runtime/labels.ts';
import type { DnsConfig } from './dns.ts';
import { podHostname } from './hosts-file.ts';
import { namespaceOptions, seccompOf } from './security.ts';

export interface SandboxInputs {
  attempt: number;
  podLogsDir: string;
  cgroupParent: string;
  dns: DnsConfig;
  clusterDomain: string;
  seccompRoot: string;
}

/** Where the pod's logs go: `<namespace>_<name>_<uid>`. */
export function podLogDirectory(podLogsDir: string, pod: Pod): string {
  const { namespace, name, uid } = pod.metadata;
  return join(podLogsDir, `${namespace}_${name}_${uid}`);
}

export function sandboxConfig(pod: Pod, inputs: SandboxInputs): SandboxConfig {
  const { name, uid = '', namespace = '' } = pod.metadata;
  const { hostNetwork = false, securityContext: security = {} } = pod.spec;
  const privileged = containersOf(pod).some(one => one.container.securityContext?.privileged);
  const sysctls = security.sysctls ?? [];
  return {
    metadata: { name, uid, namespace, attempt: inputs.attempt },
    // On the host's network the pod shares the host's name too, which may not be set.
    hostname: hostNetwork ? '' : podHostname(pod, inputs.clusterDomain),
    logDirectory: podLogDirectory(inputs.podLogsDir, pod),
    dnsConfig: inputs.dns,
    portMappings: hostNetwork ? [] : portMappings(pod),
    labels: {
      ...pod.metadata.labels,
      ...{ [labels.podName]: name, [labels.podNamespace]: namespace, [labels.podUid]: uid },
    },
    annotations: { ...pod.metadata.annotations, 'wherry.dev/host-network': String(hostNetwork) },
    linux: {
      cgroupParent: inputs.cgroupParent,
      securityContext: {
        namespaceOptions: namespaceOptions(pod),
        privileged,
        ...(security.seLinuxOptions && { selinuxOptions: security.seLinuxOptions }),
        ...(security.runAsUser !== undefined && { runAsUser: { value: security.runAsUser } }),
        ...(security.runAsGroup !== undefined && { runAsGroup: { value: security.runAsGroup } }),
        ...(security.supplementalGroups && { supplementalGroups: security.supplementalGroups }),
        // The process that keeps the namespaces is ours: the runtime's profile fits it always.
        seccomp: seccompOf({ type: 'RuntimeDefault' }, privileged, inputs.seccompRoot),
      },
      ...(sysctls.length > 0 && { sysctls: Object.fromEntries(sysctls.map(one => [one.name, one.value])) }),
    },
  };
}

function portMappings(pod: Pod): PortMapping[] {
  return containersOf(pod).flatMap(({ container, role }) =>
    role === 'init' || role === 'ephemeral'
      ? []
      : (container.ports ?? [])
          .filter(port => port.hostPort)
          .map(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }) => ({
            ...{ protocol: protocol as PortMapping['protocol'], containerPort, hostPort, hostIp: hostIP },
          })),
  );
}
