import type { Column, FieldError, KindBehaviour, KindUser } from '../../kind.ts';
import type { CertificateSigningRequest } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { humanDuration } from '../duration.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, forbidden, immutableMessage, invalid, notSupported, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { checkSignerName } from '../signer-name.ts';

const shortestSeconds = 600;
const pem = /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+-----END CERTIFICATE REQUEST-----/;
const decisions: ReadonlySet<string> = new Set(['Approved', 'Denied', 'Failed']);

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
  if (!pem.test(Buffer.from(request ?? '', 'base64').toString('latin1'))) {
    errors.push(invalid('spec.request', request ?? null, 'PEM block type must be CERTIFICATE REQUEST'));
  }
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

function checkConditions(errors: FieldError[], object: CertificateSigningRequest): void {
  const seen = new Set<string>();
  const path = 'status.conditions';
  const types = (object.status?.conditions ?? []).map(condition => condition.type);
  if (types.includes('Approved') && types.includes('Denied')) {
    errors.push(invalid(path, 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  }
  eachAt(path, object.status?.conditions, (at, { type, status }) => {
    if (!type) errors.push(required(`${at}.type`));
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
    seen.add(type);
    if (!status) errors.push(required(`${at}.status`));
    else if (decisions.has(type) && status !== 'True') {
      errors.push(notSupported(`${at}.status`, status, ['True']));
    } else if (!['True', 'False', 'Unknown'].includes(status)) {
      errors.push(notSupported(`${at}.status`, status, ['False', 'True', 'Unknown']));
    }
  });
}

function validateSubresource(
  object: CertificateSigningRequest,
  old: CertificateSigningRequest,
  subresource: string,
): FieldError[] {
  const errors: FieldError[] = [];
  checkConditions(errors, object);
  const types = (request: CertificateSigningRequest) =>
    (request.status?.conditions ?? []).map(condition => condition.type);
  for (const type of types(old)) {
    if (decisions.has(type) && !types(object).includes(type)) {
      errors.push(forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`));
    }
  }
  if (subresource === 'status') {
    for (const type of ['Approved', 'Denied']) {
      if (!types(old).includes(type) && types(object).includes(type)) {
        errors.push(forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`));
      }
    }
    if (old.status?.certificate && object.status?.certificate !== old.status.certificate) {
      errors.push(forbidden('status.certificate', 'updates may not change a previously set certificate'));
    }
  }
  return errors;
}

/** Conditions say when they were written and when they changed, also when who wrote them did not. */
function dateConditions({ status }: CertificateSigningRequest, old: CertificateSigningRequest, now: string): void {
  for (const condition of status?.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    const earlier = old.status?.conditions?.find(({ type }) => type === condition.type);
    condition.lastTransitionTime ??= (earlier?.status === condition.status && earlier.lastTransitionTime) || now;
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
    if (subresource === 'approval') draft.status = conditions ? { ...old.status, conditions } : { ...old.status };
    dateConditions(draft, old, new Date(nowMs).toISOString().replace(/\.\d+/, ''));
  },
  validateCreate: validateSpec,
  validateUpdate(object, old) {
    const same = semanticallyEqual(object.spec, old.spec);
    return same ? [] : [invalid('spec', object.spec, immutableMessage)];
  },
  validateSubresource,
  columns,
  selectableFields: { 'spec.signerName': o => o.spec.signerName },
};
