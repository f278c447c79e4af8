import type { CertificateSigningRequest } from '#api';
import { resources } from '#api';
import { isNotFound } from '#client';
import { hasCondition } from '../conditions.ts';
import type { ControllerDeps, ControllerSpec } from '../controller.ts';
import { startLoop } from '../loop.ts';
import { parseRequest } from './request.ts';
import { signerRules } from './rules.ts';

const { certificatesigningrequests } = resources;

/** Upstream's --cluster-signing-duration: a year. */
const longestSeconds = 365 * 24 * 60 * 60;
/** Twice what certificates are dated back. */
const shortestSeconds = 600;

/** Issues certificates for approved requests to the cluster's own signers. */
export const certificateSigner: ControllerSpec = {
  name: 'certificatesigningrequest-signing-controller',
  serviceAccount: 'certificate-controller',
  reads: [certificatesigningrequests],
  writes: [{ resource: certificatesigningrequests, verbs: ['update'], subresources: ['status'] }],
  async start(deps) {
    const all = deps.informers.of(certificatesigningrequests);
    const loop = startLoop(deps, {
      name: 'certificate-signer',
      informers: [all],
      sync: async name => {
        const cached = all.get(undefined, name);
        if (cached && isToSign(cached)) await sign(cached, deps);
      },
    });
    loop.on(all, ({ type, object }) => (type !== 'deleted' && isToSign(object) ? [object.metadata.name] : []));
    return loop;
  },
};

function isToSign({ spec, status }: CertificateSigningRequest): boolean {
  const is = (type: string) => hasCondition(status?.conditions, type);
  return Boolean(signerRules[spec.signerName]) && !status?.certificate && is('Approved') && !is('Failed');
}

async function sign(object: CertificateSigningRequest, { client, clock, config, log }: ControllerDeps): Promise<void> {
  const { signerName, usages = [], expirationSeconds, request } = object.spec;
  if (!config.signCertificate) {
    log.warn('nothing can be signed here: no authority is given', { request: object.metadata.name });
    return;
  }
  const problem = signerRules[signerName]?.(await parseRequest(object), usages);
  const status = { ...object.status };
  if (problem) {
    const lastUpdateTime = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
    const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: problem };
    status.conditions = [...(status.conditions ?? []), { ...failed, lastUpdateTime }];
  } else {
    const seconds = Math.min(Math.max(expirationSeconds ?? longestSeconds, shortestSeconds), longestSeconds);
    const pem = Buffer.from(request, 'base64').toString('utf8');
    const certificate = await config.signCertificate({ signerName, request: pem, usages, seconds });
    status.certificate = Buffer.from(certificate).toString('base64');
  }
  try {
    await client.update(certificatesigningrequests, { ...object, status }, { subresource: 'status' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
