import type { Kind, UnknownObject } from '#api';
import type { AdmissionRequest } from '../../admission.ts';
import { type About, aboutOf, nameOf, namespaceOf } from './about.ts';
import type { Hook, HookType } from './configurations.ts';

/** A request in the version that a hook asked for. */
export interface Versioned {
  readonly kind: Kind;
  readonly object: UnknownObject | undefined;
  readonly old: UnknownObject | undefined;
}

/** The object and its predecessor in the version of `kind`. */
export async function toVersioned(request: AdmissionRequest, kind: Kind): Promise<Versioned> {
  const { object, old, codec, kind: own } = request;
  const isSame = kind.group === own.group && kind.version === own.version;
  // Subresources with a kind of their own have it in every version.
  const hasOwnKind = request.subresource !== '' && aboutOf(kind, request.subresource).kind.kind !== kind.kind;
  if (isSame || hasOwnKind || !codec) return { kind, object, old };
  return {
    kind,
    object: object && (await codec.convert(object, kind)),
    old: old && (await codec.convert(old, kind)),
  };
}

const groupPrefix = 'admission.k8s.io/';
const knownVersions: readonly string[] = ['v1', 'v1beta1'];

/** The first version in the hook's list that we speak; undefined when there is none. */
export function reviewVersionOf({ webhook }: Hook): string | undefined {
  return webhook.admissionReviewVersions.find(version => knownVersions.includes(version));
}

/** What `request` of an AdmissionReview says; also what match conditions see. Source: admission/v1 AdmissionRequest. */
export function reviewRequest(request: AdmissionRequest, versioned: Versioned, uid: string): Record<string, unknown> {
  const { subresource, operation, user } = request;
  const asked: About = aboutOf(request.kind, subresource);
  const sent = aboutOf(versioned.kind, subresource);
  const [name, namespace] = [nameOf(request), namespaceOf(request)];
  return {
    uid,
    kind: gvk(sent.kind),
    resource: gvr(sent.resource),
    ...(subresource && { subResource: subresource }),
    requestKind: gvk(asked.kind),
    requestResource: gvr(asked.resource),
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid && { uid: user.uid }),
      ...(user.groups.length > 0 && { groups: user.groups }),
      ...(user.extra && Object.keys(user.extra).length > 0 && { extra: user.extra }),
    },
    object: versioned.object ?? null,
    oldObject: versioned.old ?? null,
    dryRun: request.dryRun,
    options: request.options ?? null,
  };
}

function gvk({ group, version, kind }: About['kind']): Record<string, string> {
  return { group, version, kind };
}

function gvr({ group, version, resource }: About['resource']): Record<string, string> {
  return { group, version, resource };
}

export function reviewOf(version: string, request: Record<string, unknown>): Record<string, unknown> {
  return { kind: 'AdmissionReview', apiVersion: `${groupPrefix}${version}`, request };
}

/** What a webhook decided. */
export interface Verdict {
  readonly allowed: boolean;
  /** JSON text; undefined: nothing is to be changed. */
  readonly patch: string | undefined;
  readonly patchType: string;
  /** A Status that explains a refusal. */
  readonly result: Record<string, unknown> | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** An answer that is no verdict on what was asked. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer';
}

type Fields = Record<string, unknown>;

/** Reads an AdmissionReview. Throws InvalidAnswer with upstream's text (webhook/request VerifyAdmissionResponse). */
export function readVerdict(answer: unknown, asked: { version: string; uid: string; type: HookType }): Verdict {
  const { apiVersion = '', kind = '', response } = (isFields(answer) ? answer : {}) as Fields;
  if (!isFields(response)) throw new InvalidAnswer('webhook response was absent');
  checkTypes(response);
  if (asked.version === 'v1') {
    if ((response['uid'] ?? '') !== asked.uid) {
      const got = JSON.stringify(response['uid'] ?? '');
      throw new InvalidAnswer(`expected response.uid=${JSON.stringify(asked.uid)}, got ${got}`);
    }
    if (apiVersion !== `${groupPrefix}v1` || kind !== 'AdmissionReview') {
      const wanted = `${groupPrefix}v1, Kind=AdmissionReview`;
      throw new InvalidAnswer(
        `expected webhook response of ${wanted}, got ${formatKind(String(apiVersion), String(kind))}`,
      );
    }
    checkPatch(response, asked.type);
  }
  const patch = response['patch'] as string | undefined | null;
  const isPatched = asked.type === 'mutating' && Boolean(patch);
  return {
    allowed: response['allowed'] === true,
    patch: isPatched ? decodeBase64(patch!) : undefined,
    // v1beta1 need not say it.
    patchType: isPatched ? (asked.version === 'v1' && (response['patchType'] as string)) || 'JSONPatch' : '',
    result: (response['status'] ?? undefined) as Fields | undefined,
    warnings: (response['warnings'] ?? []) as string[],
    auditAnnotations: (response['auditAnnotations'] ?? {}) as Record<string, string>,
  };
}

function formatKind(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

/** A v1 answer says what kind of patch it has, and only mutating webhooks have one. */
function checkPatch({ patch, patchType }: Fields, type: HookType): void {
  if (type === 'validating') {
    if (patch) throw new InvalidAnswer('validating webhook may not return response.patch');
    if (patchType != null) throw new InvalidAnswer('validating webhook may not return response.patchType');
    return;
  }
  if (patch && patchType == null) throw new InvalidAnswer('webhook returned response.patch but not response.patchType');
  if (!patch && patchType != null)
    throw new InvalidAnswer('webhook returned response.patchType but not response.patch');
  if (patchType === '') throw new InvalidAnswer('webhook returned invalid response.patchType of ""');
}

/** Of the members that are read, in Go's names. */
const memberTypes: readonly (readonly [string, string, (value: unknown) => boolean])[] = [
  ['uid', 'types.UID', value => typeof value === 'string'],
  ['allowed', 'bool', value => typeof value === 'boolean'],
  ['status', 'v1.Status', isFields],
  ['patch', '[]uint8', value => typeof value === 'string'],
  ['patchType', 'v1.PatchType', value => typeof value === 'string'],
  ['auditAnnotations', 'map[string]string', value => isFields(value) && Object.values(value).every(isText)],
  ['warnings', '[]string', value => Array.isArray(value) && value.every(isText)],
];

function checkTypes(response: Fields): void {
  for (const [name, type, isRight] of memberTypes) {
    const value = response[name];
    if (value === undefined || value === null || isRight(value)) continue;
    const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    const member = `AdmissionResponse.response.${name}`;
    throw new InvalidAnswer(`json: cannot unmarshal ${what} into Go struct field ${member} of type ${type}`);
  }
}

function decodeBase64(text: string): string {
  const clean = text.replace(/[\r\n]/g, '');
  const wrong = clean.search(/[^A-Za-z0-9+/=]/);
  if (wrong >= 0 || clean.length % 4 !== 0)
    throw new InvalidAnswer(`illegal base64 data at input byte ${wrong < 0 ? clean.length : wrong}`);
  return Buffer.from(clean, 'base64').toString();
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
