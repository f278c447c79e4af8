import type { CertificateSigningRequest, SubjectAccessReview } from '#api';
import { resources } from '#api';
import { isNotFound, refOf } from '#client';
import { hasCondition } from '../conditions.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { startLoop } from '../loop.ts';
import { parseRequest } from './request.ts';
import { signerNames, validateKubeletClient } from './rules.ts';

const { certificatesigningrequests, subjectaccessreviews } = resources;

/** The rights under which a kubelet's request is approved, and what its condition then says. A node that renews its own comes first. */
const ways = [
  {
    subresource: 'selfnodeclient',
    isSelf: true,
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  },
  {
    subresource: 'nodeclient',
    isSelf: false,
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  },
] as const;

/** Approves requests of kubelets for client certificates, when who asks may have one. All other requests wait for a human or another controller. */
export const certificateApprover: ControllerSpec = {
  name: 'certificatesigningrequest-approving-controller',
  serviceAccount: 'certificate-controller',
  reads: [certificatesigningrequests],
  writes: [
    { resource: certificatesigningrequests, verbs: ['update'], subresources: ['approval'] },
    { resource: subjectaccessreviews, verbs: ['create'] },
  ],
  async start(deps) {
    const all = deps.informers.of(certificatesigningrequests);
    const loop = startLoop(deps, {
      name: 'certificate-approver',
      informers: [all],
      sync: async name => {
        const cached = all.get(undefined, name);
        if (cached && isUndecided(cached)) await approve(cached, deps);
      },
    });
    loop.on(all, ({ type, object }) =>
      type !== 'deleted' && isUndecided(object) && object.spec.signerName === signerNames.kubeletClient
        ? [object.metadata.name]
        : [],
    );
    return loop;
  },
};

function isUndecided({ status }: CertificateSigningRequest): boolean {
  const is = (type: string) => hasCondition(status?.conditions, type);
  return !status?.certificate && !is('Approved') && !is('Denied');
}

async function approve(object: CertificateSigningRequest, deps: ControllerDeps): Promise<void> {
  const request = await parseRequest(object);
  if (validateKubeletClient(request, object.spec.usages ?? []) !== undefined) return;
  for (const { subresource, isSelf, message } of ways) {
    if (isSelf && object.spec.username !== request.commonName) continue;
    if (!(await isAllowed(object, subresource, deps))) continue;
    const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
    const status = { ...object.status, conditions: [...(object.status?.conditions ?? []), condition] };
    try {
      await deps.client.update(certificatesigningrequests, { ...object, status }, { subresource: 'approval' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return;
  }
  deps.log.info('a kubelet asks for a certificate and may not have one by itself', { request: refOf(object).name });
}

async function isAllowed(
  { spec }: CertificateSigningRequest,
  subresource: string,
  { client }: ControllerDeps,
): Promise<boolean> {
  const review: SubjectAccessReview = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: { name: '' },
    spec: {
      user: spec.username,
      uid: spec.uid,
      groups: spec.groups,
      extra: spec.extra,
      resourceAttributes: {
        ...{ group: 'certificates.k8s.io', resource: 'certificatesigningrequests', subresource, verb: 'create' },
      },
    },
  };
  return (await client.create(subjectaccessreviews, review)).status?.allowed ?? false;
}
