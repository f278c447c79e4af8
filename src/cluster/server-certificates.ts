import { networkInterfaces } from 'node:os';
import { cidrAddress, parseCidr } from '#base';
import type { CertificateSpec } from './certificates.ts';
import type { Config } from './config-table.ts';

/** Every certificate that a server keeps. Source: the roles of upstream's kubeadm certificates and K3s' file names. */
export function serverCertificates(
  config: Config,
  names: { node: string; address: string },
): readonly CertificateSpec[] {
  return [
    {
      name: 'serving-kube-apiserver',
      authority: 'server-ca',
      request: { commonName: 'kube-apiserver', usage: 'server', names: apiServerNames(config, names) },
    },
    client('client-admin', 'system:admin', ['system:masters']),
    client('client-kube-apiserver', 'system:apiserver', ['system:masters']),
    { ...client('client-auth-proxy', 'system:auth-proxy', []), authority: 'request-header-ca' },
    client('client-kubelet', `system:node:${names.node}`, ['system:nodes']),
    {
      name: 'serving-kubelet',
      authority: 'server-ca',
      request: {
        commonName: `system:node:${names.node}`,
        organizations: ['system:nodes'],
        usage: 'server',
        names: unique([names.node, names.address, 'localhost', '127.0.0.1']),
      },
    },
  ];
}

function client(name: string, commonName: string, organizations: readonly string[]): CertificateSpec {
  return { name, authority: 'client-ca', request: { commonName, organizations, usage: 'client' } };
}

/** Under which names clients may know the API: the in-cluster Service, this machine's names and addresses, what the operator adds. */
function apiServerNames(config: Config, names: { node: string; address: string }): string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${config['cluster-domain']}`,
  ];
  const addresses = Object.values(networkInterfaces()).flatMap(list =>
    (list ?? []).map(entry => entry.address.split('%')[0]!),
  );
  return unique([
    ...service,
    'localhost',
    '127.0.0.1',
    '::1',
    names.node,
    names.address,
    ...(['0.0.0.0', '::'].includes(config['bind-address']) ? [] : [config['bind-address']]),
    cidrAddress(parseCidr(config['service-cidr'])!, 1),
    ...addresses.filter(address => !address.startsWith('fe80')),
    ...config['tls-san'],
  ]);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names.filter(name => name !== ''))];
}
