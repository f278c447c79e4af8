import type { Container, LifecycleHandler, Probe } from '#api';
import {
  type Check,
  containersOf,
  exceptUserNamespace,
  named,
  type PodShape,
  plural,
  quoted,
  setters,
  uniqueSorted,
  userNamespacesSince,
} from './pod-security-checks.ts';

// Checks of the Pod Security Standards' baseline, with upstream's words.

const addableCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const sysctlsSince: Readonly<Record<number, readonly string[]>> = {
  0: [
    'kernel.shm_rmid_forced',
    'net.ipv4.ip_local_port_range',
    'net.ipv4.tcp_syncookies',
    'net.ipv4.ping_group_range',
    'net.ipv4.ip_unprivileged_port_start',
  ],
  27: ['net.ipv4.ip_local_reserved_ports'],
  29: [
    'net.ipv4.tcp_keepalive_time',
    'net.ipv4.tcp_fin_timeout',
    'net.ipv4.tcp_keepalive_intvl',
    'net.ipv4.tcp_keepalive_probes',
  ],
  32: ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'],
};
const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

/** In the order of their names, which is the order of complaints. */
export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', since: 0, run: checkAppArmor },
  { id: 'capabilities_baseline', level: 'baseline', since: 0, run: checkCapabilities },
  { id: 'hostNamespaces', level: 'baseline', since: 0, run: checkHostNamespaces },
  { id: 'hostPathVolumes', level: 'baseline', since: 0, run: checkHostPaths },
  { id: 'hostPorts', level: 'baseline', since: 0, run: checkHostPorts },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', since: 34, run: checkProbeHosts },
  { id: 'privileged', level: 'baseline', since: 0, run: checkPrivileged },
  { id: 'procMount', level: 'baseline', since: 0, until: userNamespacesSince, run: checkProcMount },
  { id: 'procMount', level: 'baseline', since: userNamespacesSince, run: exceptUserNamespace(checkProcMount) },
  { id: 'seLinuxOptions', level: 'baseline', since: 0, until: 31, run: pod => checkSeLinux(pod, seLinuxTypes) },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    since: 31,
    run: pod => checkSeLinux(pod, [...seLinuxTypes, 'container_engine_t']),
  },
  { id: 'seccompProfile_baseline', level: 'baseline', since: 0, until: 19, run: checkSeccompAnnotations },
  { id: 'seccompProfile_baseline', level: 'baseline', since: 19, run: checkSeccomp },
  ...sysctlChecks(),
  { id: 'windowsHostProcess', level: 'baseline', since: 0, run: checkHostProcess },
];

/** One check for each version that allowed more. */
function sysctlChecks(): Check[] {
  const versions = Object.keys(sysctlsSince).map(Number);
  return versions.map((since, index) => {
    const allowed = new Set(
      versions.filter(version => version <= since).flatMap(version => sysctlsSince[version] ?? []),
    );
    const until = versions[index + 1];
    const run: Check['run'] = pod => checkSysctls(pod, allowed);
    return { id: 'sysctls', level: 'baseline', since, ...(until === undefined ? {} : { until }), run };
  });
}

function checkAppArmor({ metadata, spec }: PodShape) {
  const isBad = (type: string | undefined) => type !== undefined && !['RuntimeDefault', 'Localhost'].includes(type);
  const podType = spec.securityContext?.appArmorProfile?.type;
  const typeOf = (container: Container) => container.securityContext?.appArmorProfile?.type;
  const bad = containersOf(spec).filter(container => isBad(typeOf(container)));
  const values = uniqueSorted(
    [podType, ...bad.map(typeOf)].filter(type => type !== undefined && isBad(type)) as string[],
  );
  const annotated = Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/'))
    .filter(([, value]) => value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'));
  const annotations = annotated.map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort();
  const who = [
    setters(isBad(podType), bad),
    ...(annotations.length > 0 ? [plural('annotation', 'annotations', annotations.length)] : []),
  ].filter(Boolean);
  if (who.length === 0) return undefined;
  const all = [...values, ...annotations];
  return {
    reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', all.length),
    detail: `${who.join(' and ')} must not set AppArmor profile type to ${quoted(all)}`,
  };
}

function checkCapabilities({ spec }: PodShape) {
  const added = (container: Container) =>
    (container.securityContext?.capabilities?.add ?? []).filter(name => !addableCapabilities.has(name));
  const bad = containersOf(spec).filter(container => added(container).length > 0);
  if (bad.length === 0) return undefined;
  const names = quoted(uniqueSorted(bad.flatMap(added)));
  const detail = `${named(bad)} must not include ${names} in securityContext.capabilities.add`;
  return { reason: 'non-default capabilities', detail };
}

function checkHostNamespaces({ spec }: PodShape) {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter(field => spec[field]);
  return used.length === 0
    ? undefined
    : { reason: 'host namespaces', detail: used.map(field => `${field}=true`).join(', ') };
}

function checkHostPaths({ spec }: PodShape) {
  const names = (spec.volumes ?? []).filter(volume => volume.hostPath).map(volume => volume.name);
  if (names.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', names.length)} ${quoted(names)}` };
}

function checkHostPorts({ spec }: PodShape) {
  const portsOf = (container: Container) => (container.ports ?? []).flatMap(port => port.hostPort || []);
  const bad = containersOf(spec).filter(container => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = uniqueSorted(bad.flatMap(portsOf).map(String));
  const uses = plural('uses', 'use', bad.length);
  const detail = `${named(bad)} ${uses} ${plural('hostPort', 'hostPorts', ports.length)} ${ports.join(', ')}`;
  return { reason: 'hostPort', detail };
}

function checkProbeHosts({ spec }: PodShape) {
  const hostsOf = (container: Container) => {
    const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
    const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
    return handlers
      .flatMap((handler: Probe | LifecycleHandler | undefined) => [
        handler?.httpGet?.host || [],
        handler?.tcpSocket?.host || [],
      ])
      .flat();
  };
  const bad = containersOf(spec).filter(container => hostsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const sorted = bad.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const hosts = uniqueSorted(bad.flatMap(hostsOf));
  const what = plural('probe or lifecycle host', 'probe or lifecycle hosts', hosts.length);
  const detail = `${named(sorted)} ${plural('uses', 'use', bad.length)} ${what} ${quoted(hosts)}`;
  return { reason: 'probe or lifecycle host', detail };
}

function checkPrivileged({ spec }: PodShape) {
  const bad = containersOf(spec).filter(container => container.securityContext?.privileged);
  if (bad.length === 0) return undefined;
  return { reason: 'privileged', detail: `${named(bad)} must not set securityContext.privileged=true` };
}

export function checkProcMount({ spec }: PodShape) {
  const mountOf = (container: Container) => container.securityContext?.procMount;
  const bad = containersOf(spec).filter(container => ![undefined, 'Default'].includes(mountOf(container)));
  if (bad.length === 0) return undefined;
  const values = quoted(uniqueSorted(bad.map(container => mountOf(container) ?? '')));
  return { reason: 'procMount', detail: `${named(bad)} must not set securityContext.procMount to ${values}` };
}

function checkSeLinux({ spec }: PodShape, allowedTypes: readonly string[]) {
  const isBad = (
    options: { type?: string | undefined; user?: string | undefined; role?: string | undefined } | undefined,
  ) => options !== undefined && (!allowedTypes.includes(options.type ?? '') || !!options.user || !!options.role);
  const podOptions = spec.securityContext?.seLinuxOptions;
  const bad = containersOf(spec).filter(container => isBad(container.securityContext?.seLinuxOptions));
  if (!isBad(podOptions) && bad.length === 0) return undefined;
  const all = [podOptions, ...bad.map(container => container.securityContext?.seLinuxOptions)].filter(isBad);
  const types = uniqueSorted(all.map(options => options?.type ?? '').filter(type => !allowedTypes.includes(type)));
  const parts = [
    ...(types.length > 0 ? [`${plural('type', 'types', types.length)} ${quoted(types)}`] : []),
    ...(all.some(options => options?.user) ? ['user may not be set'] : []),
    ...(all.some(options => options?.role) ? ['role may not be set'] : []),
  ];
  const who = setters(isBad(podOptions), bad);
  return {
    reason: 'seLinuxOptions',
    detail: `${who} set forbidden securityContext.seLinuxOptions: ${parts.join('; ')}`,
  };
}

function checkSeccomp({ spec }: PodShape) {
  const isBad = (type: string | undefined) => type !== undefined && !['RuntimeDefault', 'Localhost'].includes(type);
  const podType = spec.securityContext?.seccompProfile?.type;
  const typeOf = (container: Container) => container.securityContext?.seccompProfile?.type;
  const bad = containersOf(spec).filter(container => isBad(typeOf(container)));
  if (!isBad(podType) && bad.length === 0) return undefined;
  const values = uniqueSorted(
    [podType, ...bad.map(typeOf)].filter(type => type !== undefined && isBad(type)) as string[],
  );
  const who = setters(isBad(podType), bad);
  return {
    reason: 'seccompProfile',
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
  };
}

/** Before profiles had a member, annotations said them. */
function checkSeccompAnnotations({ metadata, spec }: PodShape) {
  const keys = [podSeccomp, ...containersOf(spec).map(({ name }) => containerSeccomp + name)];
  const bad = keys.flatMap(key => {
    const value = metadata.annotations?.[key];
    const isFine = value === undefined || fineSeccomp.includes(value) || value.startsWith('localhost/');
    return isFine ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  if (bad.length === 0) return undefined;
  const found = uniqueSorted(bad);
  const detail = `forbidden ${plural('annotation', 'annotations', found.length)} ${found.join(', ')}`;
  return { reason: 'seccompProfile', detail };
}

const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod';
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/';
const fineSeccomp: readonly string[] = ['runtime/default', 'docker/default'];

function checkSysctls({ spec }: PodShape, allowed: ReadonlySet<string>) {
  const names = (spec.securityContext?.sysctls ?? []).map(sysctl => sysctl.name).filter(name => !allowed.has(name));
  return names.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: names.join(', ') };
}

function checkHostProcess({ spec }: PodShape) {
  const podIsBad = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = containersOf(spec).filter(container => container.securityContext?.windowsOptions?.hostProcess);
  if (!podIsBad && bad.length === 0) return undefined;
  const detail = `${setters(podIsBad, bad)} must not set securityContext.windowsOptions.hostProcess=true`;
  return { reason: 'hostProcess', detail };
}
