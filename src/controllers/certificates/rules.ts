import type { ParsedRequest } from './request.ts';

export const signerNames = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacy: 'kubernetes.io/legacy-unknown',
} as const;

/** What is wrong with a request for one of the cluster's own signers, in upstream's words; undefined: it may be signed. */
type Rule = (request: ParsedRequest, usages: readonly string[]) => string | undefined;

const organization = 'subject organization is not system:nodes';
const commonName = 'subject common name does not begin with system:node:';

const isOfNodes = ({ organizations }: ParsedRequest) =>
  organizations.length === 1 && organizations[0] === 'system:nodes';
const isOfNode = (request: ParsedRequest) => request.commonName.startsWith('system:node:');

/** Key encipherment is for RSA keys only, and so may be missing. */
function usagesMismatch(usages: readonly string[], purpose: 'client auth' | 'server auth'): string | undefined {
  const wanted = [purpose, 'digital signature', 'key encipherment'];
  const given = new Set(usages);
  const needed = wanted.filter(usage => usage !== 'key encipherment' || given.has(usage));
  const isSame = given.size === needed.length && needed.every(usage => given.has(usage));
  return isSame ? undefined : `usages did not match [${wanted.join(' ')}]`;
}

export const validateKubeletClient: Rule = (request, usages) => {
  if (!isOfNodes(request)) return organization;
  if (request.dnsNames.length) return 'DNS subjectAltNames are not allowed';
  if (request.emails.length) return 'Email subjectAltNames are not allowed';
  if (request.addresses.length) return 'IP subjectAltNames are not allowed';
  if (request.uris.length) return 'URI subjectAltNames are not allowed';
  return isOfNode(request) ? usagesMismatch(usages, 'client auth') : commonName;
};

const validateKubeletServing: Rule = (request, usages) => {
  if (!isOfNodes(request)) return organization;
  if (!request.dnsNames.length && !request.addresses.length) return 'DNS or IP subjectAltName is required';
  if (request.emails.length) return 'Email subjectAltNames are not allowed';
  if (request.uris.length) return 'URI subjectAltNames are not allowed';
  return usagesMismatch(usages, 'server auth') ?? (isOfNode(request) ? undefined : commonName);
};

const clientUsages: ReadonlySet<string> = new Set(['client auth', 'digital signature', 'key encipherment']);

const validateClient: Rule = (_, usages) => {
  const other = usages.find(usage => !clientUsages.has(usage));
  if (other) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
};

/** The signers of the cluster; which requests each takes. */
export const signerRules: Readonly<Record<string, Rule>> = {
  [signerNames.client]: validateClient,
  [signerNames.kubeletClient]: validateKubeletClient,
  [signerNames.kubeletServing]: validateKubeletServing,
  [signerNames.legacy]: () => undefined,
};
