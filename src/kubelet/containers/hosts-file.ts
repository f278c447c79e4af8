import type { Pod } from '#api';

/** The pod's /etc/hosts. Source: upstream's pkg/kubelet/kubelet_pods.go. */
export function hostsFile(
  pod: Pod,
  facts: { ips: readonly string[]; hostname: string; clusterDomain: string; nodeHosts: string },
): string {
  const { hostNetwork, hostAliases = [], subdomain } = pod.spec;
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`).join('');
  const extra = aliases && `\n# Entries added by HostAliases.\n${aliases}`;
  if (hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${facts.nodeHosts}${extra}`;
  const domain = subdomain && `${facts.hostname}.${subdomain}.${pod.metadata.namespace}.svc.${facts.clusterDomain}`;
  const own = facts.ips.map(ip => `${ip}\t${domain ? `${domain}\t` : ''}${facts.hostname}\n`).join('');
  return [
    '# Kubernetes-managed hosts file.\n',
    '127.0.0.1\tlocalhost\n',
    '::1\tlocalhost ip6-localhost ip6-loopback\n',
    'fe00::\tip6-localnet\n',
    'fe00::\tip6-mcastprefix\n',
    'fe00::1\tip6-allnodes\n',
    'fe00::2\tip6-allrouters\n',
    own,
    extra,
  ].join('');
}

/** The name that the pod calls itself: spec.hostname or its own, cut to what the kernel takes. */
export function podHostname(pod: Pod, clusterDomain: string): string {
  const { hostname, hostnameOverride, subdomain, setHostnameAsFQDN } = pod.spec;
  if (hostnameOverride) return hostnameOverride;
  const short = (hostname || pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
  if (!setHostnameAsFQDN || !subdomain) return short;
  return `${short}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`;
}
