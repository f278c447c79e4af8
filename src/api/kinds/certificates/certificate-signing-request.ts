import type { Column, FieldError, KindBehaviour, KindUser } from '../../kind.ts';
import type { CertificateSigningRequest } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { humanDuration } from '../duration.ts';
import { duplicate, forbidden, invalid, notSupported, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { checkSignerName } from '../signer-name.ts';
import { certificateMistake } from './issued-certificate.ts';
import { requestMistake } from './request-proof.ts';

const shortestSeconds = 600;
const decisions: readonly string[] = ['Approved', 'Denied', 'Failed'];
const opposites: Readonly<Record<string, string>> = { Approved: 'Denied', Denied: 'Approved' };

const usages: readonly string[] = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

function validateSpec(object: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const { request, signerName = '', expirationSeconds } = object.spec;
  const mistake = requestMistake(Buffer.from(request ?? '', 'base64').toString('latin1'));
  if (mistake) errors.push(invalid('spec.request', request ?? null, mistake));
  if (!object.spec.usages?.length) errors.push(required('spec.usages'));
  const seen = new Set<string>();
  eachAt('spec.usages', object.spec.usages, (at, usage) => {
    if (!usages.includes(usage)) errors.push(notSupported(at, usage, usages));
    if (seen.has(usage)) errors.push(duplicate(at, usage));
    seen.add(usage);
  });
  if (signerName === 'kubernetes.io/legacy-unknown') {
    errors.push(invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version'));
  } else checkSignerName(errors, 'spec.signerName', signerName);
  if (expirationSeconds !== undefined && expirationSeconds < shortestSeconds) {
    const detail = `may not specify a duration less than ${shortestSeconds} seconds (10 minutes)`;
    errors.push(invalid('spec.expirationSeconds', expirationSeconds, detail));
  }
  return errors;
}

function checkConditions(errors: FieldError[], { status: state }: CertificateSigningRequest): void {
  const seen = new Set<string>();
  const path = 'status.conditions';
  eachAt(path, state?.conditions, (at, { type, status }) => {
    if (!type) errors.push(required(`${at}.type`));
    const allowed = decisions.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (!status) errors.push(required(`${at}.status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed));
    const opposite = opposites[type];
    if (opposite !== undefined && seen.has(opposite)) {
      errors.push(invalid(path, type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
    seen.add(type);
  });
}

/** Source: pkg/apis/certificates/validation validateCertificateSigningRequestUpdate. */
function validateSubresource(
  object: CertificateSigningRequest,
  old: CertificateSigningRequest,
  subresource: string,
): FieldError[] {
  const errors: FieldError[] = [];
  checkConditions(errors, object);
  const certificate = object.status?.certificate ?? '';
  const earlier = old.status?.certificate ?? '';
  if (certificate !== earlier) {
    const mistake = certificateMistake(Buffer.from(certificate, 'base64').toString('latin1'));
    if (mistake) errors.push(invalid('status.certificate', '<certificate data>', mistake));
  }
  for (const type of decisions) {
    if (countOf(object, type) >= countOf(old, type)) continue;
    errors.push(forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`));
  }
  if (subresource !== 'status') return errors;
  for (const type in opposites) {
    if (countOf(object, type) <= countOf(old, type)) continue;
    errors.push(forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`));
  }
  if (earlier && certificate !== earlier) {
    errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
  }
  return errors;
}

function countOf({ status }: CertificateSigningRequest, wanted: string): number {
  return status?.conditions?.filter(({ type }) => type === wanted).length ?? 0;
}

/** A write of the status leaves decisions as they are, unless it adds or removes one, which is refused later. */
function keepDecisions(draft: CertificateSigningRequest, old: CertificateSigningRequest): void {
  for (const type in opposites) {
    if (countOf(draft, type) !== countOf(old, type)) continue;
    const kept = (old.status?.conditions ?? []).filter(condition => condition.type === type);
    const { status } = draft;
    if (!status?.conditions || kept.length === 0) continue;
    status.conditions = status.conditions.map(condition =>
      condition.type === type ? { ...kept.shift()! } : condition,
    );
  }
}

/** Conditions say when they were written and when they changed, also when who wrote them did not. */
function dateConditions({ status }: CertificateSigningRequest, old: CertificateSigningRequest, now: string): void {
  for (const condition of status?.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    const earlier = old.status?.conditions?.find(({ type, status: before }) => {
      return type === condition.type && before === condition.status;
    });
    condition.lastTransitionTime ??= earlier?.lastTransitionTime ?? now;
  }
}

function formatCondition(object: CertificateSigningRequest): string {
  const types = (object.status?.conditions ?? []).map(condition => condition.type);
  const words = [types.includes('Denied') ? 'Denied' : types.includes('Approved') ? 'Approved' : 'Pending'];
  if (types.includes('Failed')) words.push('Failed');
  if (object.status?.certificate) words.push('Issued');
  return words.join(',');
}

const columns: readonly Column<CertificateSigningRequest>[] = [
  nameColumn,
  ageColumn,
  text('SignerName', 'Who shall sign.', o => o.spec.signerName || '<none>'),
  text('Requestor', 'Who asks.', o => o.spec.username ?? ''),
  text('RequestedDuration', 'How long the certificate shall be good.', o => {
    return o.spec.expirationSeconds === undefined ? '<none>' : humanDuration(o.spec.expirationSeconds * 1000);
  }),
  text('Condition', 'What has become of it.', formatCondition),
];

function requestorOf({ name, uid, groups, extra }: KindUser) {
  const more = Object.entries(extra ?? {}).map(([key, values]) => [key, [...values]]);
  return {
    username: name,
    ...(uid ? { uid } : {}),
    ...(groups.length ? { groups: [...groups] } : {}),
    ...(more.length ? { extra: Object.fromEntries(more) } : {}),
  };
}

export const certificateSigningRequest: KindBehaviour<CertificateSigningRequest> = {
  shortNames: ['csr'],
  nameRule: 'path',
  defaults(draft) {
    draft.spec.usages ??= [];
  },
  prepareCreate(draft, { user }) {
    const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...asked } = draft.spec;
    // Who asks is never the user's to say: signers go by it.
    draft.spec = user ? { ...asked, ...requestorOf(user) } : asked;
    draft.status = {};
  },
  prepareUpdate(draft, old) {
    draft.spec = old.spec;
    keepStatus(draft, old);
  },
  prepareSubresource(draft, old, subresource, { nowMs }) {
    const conditions = draft.status?.conditions;
    keepAllButStatus(draft, old);
    if (subresource === 'approval') {
      const { conditions: _conditions, ...rest } = old.status ?? {};
      draft.status = conditions ? { ...rest, conditions } : rest;
    } else keepDecisions(draft, old);
    dateConditions(draft, old, new Date(nowMs).toISOString().replace(/\.\d+/, ''));
  },
  validateCreate: validateSpec,
  validateSubresource,
  columns,
  selectableFields: { 'spec.signerName': o => o.spec.signerName },
};
