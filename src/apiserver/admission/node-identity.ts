import type { CertificateSigningRequest, KubeObject, Pod, TokenRequest } from '#api';
import { resources } from '#api';
import type { Authorizer } from '../access.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { readRequestSubject } from './certificate-request.ts';
import { draftOf, refuse } from './request.ts';

interface Write {
  readonly reader: ObjectReader;
  readonly request: AdmissionRequest;
  readonly node: string;
  readonly authorize: Authorizer;
}

/** Signers of the certificates by which kubelets are known. */
const kubeletSigners: readonly string[] = [
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet',
];

/** A kubelet asks for certificates of its own node only. */
export async function checkCsr({ request, node }: Write): Promise<void> {
  if (request.operation !== 'CREATE') return;
  const spec = draftOf<CertificateSigningRequest>(request)?.spec;
  if (!spec || !kubeletSigners.includes(spec.signerName)) return;
  const subject = await readRequestSubject(spec.request);
  if (!subject) throw refuse(request, 'unable to parse csr: PEM block type must be CERTIFICATE REQUEST');
  const wanted = `system:node:${node}`;
  if (subject.commonName !== wanted) throw refuse(request, `can only create a node CSR with CN=${wanted}`);
}

/** A kubelet gets tokens for the audiences that the pod's volumes name, and others only when it is allowed to (ServiceAccountNodeAudienceRestriction). */
export async function checkAudience({ reader, request, authorize }: Write, pod: Pod): Promise<void> {
  const { audiences = [] } = draftOf<TokenRequest & KubeObject>(request)?.spec ?? {};
  if (audiences.length > 1) throw refuse(request, 'node may only request 0 or 1 audiences');
  // Without one it is the API server's own: so are volumes that name none.
  const audience = audiences[0] ?? '';
  if (namesAudience(reader, pod, audience)) return;
  const { user, namespace, name } = request;
  const verb = 'request-serviceaccounts-token-audience';
  const decision = await authorize({ user, verb, group: '', version: 'v1', resource: audience, namespace, name });
  if (decision.verdict === 'allow') return;
  const where = `audience ${JSON.stringify(audience)} not found in pod spec volume`;
  throw refuse(request, `${where}, ${user.name} is not authorized to request tokens for this audience`);
}

function namesAudience(reader: ObjectReader, pod: Pod, audience: string): boolean {
  const asks = (driver: string | undefined) => {
    const found = driver ? reader.get(resources.csidrivers, undefined, driver) : undefined;
    return found?.spec.tokenRequests?.some(token => token.audience === audience) === true;
  };
  return (pod.spec.volumes ?? []).some(volume => {
    const { projected, csi, persistentVolumeClaim, ephemeral } = volume;
    if (
      projected?.sources?.some(
        source => source.serviceAccountToken && (source.serviceAccountToken.audience ?? '') === audience,
      )
    )
      return true;
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral && `${pod.metadata.name}-${volume.name}`);
    return asks(csi?.driver) || asks(claim && driverOfClaim(reader, pod, claim));
  });
}

function driverOfClaim(reader: ObjectReader, pod: Pod, name: string): string | undefined {
  const claim = reader.get(resources.persistentvolumeclaims, pod.metadata.namespace, name);
  const volume = claim?.spec?.volumeName;
  return volume ? reader.get(resources.persistentvolumes, undefined, volume)?.spec?.csi?.driver : undefined;
}
