import type { CertificateSigningRequest } from '#api';
import { resources } from '#api';
import { groups } from '../access/identities.ts';
import { quote } from '../access/refuse.ts';
import type { Authorizer } from '../access.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { readRequestSubject } from './certificate-request.ts';
import { draftOf, isAbout, oldOf, refuse } from './request.ts';

/** Only who may `approve` a signer's requests may write their approval. */
export function createCertificateApproval(authorize: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    async validate(request) {
      if (!isAbout(request, resources.certificatesigningrequests, 'approval') || request.operation !== 'UPDATE') return;
      const signer = oldOf<CertificateSigningRequest>(request)?.spec.signerName ?? '';
      if (await mayUseSigner(authorize, request, 'approve', signer)) return;
      throw refuse(request, `user not permitted to approve requests with signerName ${quote(signer)}`);
    },
  };
}

/** Only who may `sign` for a signer may put certificates or failures into the status. */
export function createCertificateSigning(authorize: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    async validate(request) {
      if (!isAbout(request, resources.certificatesigningrequests, 'status') || request.operation !== 'UPDATE') return;
      const [old, draft] = [oldOf<CertificateSigningRequest>(request), draftOf<CertificateSigningRequest>(request)];
      const isSame =
        JSON.stringify(old?.status?.certificate) === JSON.stringify(draft?.status?.certificate) &&
        JSON.stringify(old?.status?.conditions ?? []) === JSON.stringify(draft?.status?.conditions ?? []);
      if (isSame) return;
      const signer = old?.spec.signerName ?? '';
      if (await mayUseSigner(authorize, request, 'sign', signer)) return;
      throw refuse(request, `user not permitted to sign requests with signerName ${quote(signer)}`);
    },
  };
}

/** Nobody gets a client certificate for system:masters through the API. */
export function createCertificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    async validate(request) {
      if (!isAbout(request, resources.certificatesigningrequests) || request.operation !== 'CREATE') return;
      const spec = draftOf<CertificateSigningRequest>(request)?.spec;
      if (spec?.signerName !== 'kubernetes.io/kube-apiserver-client') return;
      const organizations = await organizationsOf(request, spec.request);
      if (!organizations.includes(groups.masters)) return;
      throw refuse(request, `use of ${spec.signerName} signer with ${groups.masters} group is not allowed`);
    },
  };
}

/** The right on the signer itself, or on all signers of its domain (`example.com` with a star). */
async function mayUseSigner(
  authorize: Authorizer,
  request: AdmissionRequest,
  verb: string,
  signer: string,
): Promise<boolean> {
  const asked = { user: request.user, verb, group: 'certificates.k8s.io', version: '*', resource: 'signers' };
  for (const name of [signer, `${signer.split('/')[0]}/*`]) {
    if ((await authorize({ ...asked, name })).verdict === 'allow') return true;
  }
  return false;
}

/** Organizations in the subject of a request (base64 of PEM). Throws 403 when it cannot be read. */
async function organizationsOf(request: AdmissionRequest, encoded: string): Promise<readonly string[]> {
  const subject = await readRequestSubject(encoded);
  if (!subject) throw refuse(request, 'failed to parse CSR: PEM block type must be CERTIFICATE REQUEST');
  return subject.organizations;
}
