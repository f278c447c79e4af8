import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** In the kernel's order (linux/capability.h): the place is the number of the bit. */
const names = [
  'CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER',
  'CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE',
  'CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP',
  'CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
].flatMap(line => line.split(' '));

/** The names in a mask as /proc/<pid>/status shows it (hexadecimal); bits that this table does not know are passed over. */
export function parseCapabilities(mask: string): Set<string> {
  const bits = BigInt(`0x${mask.trim()}`);
  return new Set(names.filter((_, bit) => ((bits >> BigInt(bit)) & 1n) === 1n));
}

/**
 * What this process may do now (CapEff), and what programs it starts as root will be allowed at most. Rejects where there is no /proc.
 * Without CAP_SYS_RESOURCE, containerd needs `restrict_oom_score_adj`: nobody may lower a score then.
 */
export async function readCapabilities(options: { root?: string } = {}): Promise<Set<string>> {
  const status = await readFile(join(options.root ?? '/', 'proc/self/status'), 'utf8');
  return parseCapabilities(/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0');
}
