import type { Pod } from '#api';

/** What touches only the pod that sets it. Source: pkg/kubelet/sysctl/safe_sysctls.go; every kernel that runs containers today has them all. */
const safe: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);

/** Why the pod may not set its kernel parameters; undefined: it may. Texts as upstream's allowlist. */
export function refusedSysctl({ spec }: Pod): { reason: string; message: string } | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const why = refusalOf(name.replaceAll('/', '.'), spec);
    if (why) return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${name}" ${why}` };
  }
  return undefined;
}

function refusalOf(name: string, { hostNetwork, hostIPC }: Pod['spec']): string | undefined {
  if (!safe.has(name)) return 'not allowlisted';
  if (hostIPC && name.startsWith('kernel.')) return 'not allowed with host ipc enabled';
  if (hostNetwork && name.startsWith('net.')) return 'not allowed with host net enabled';
  return undefined;
}
