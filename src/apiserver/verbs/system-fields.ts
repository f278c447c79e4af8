import type { Kind, Scheme, UnknownObject } from '#api';
import { apiVersionOf } from '#api';
import { formatTime } from '#base';
import { summarize } from '../content/read-document.ts';
import type { Core } from '../core.ts';
import type { StatusError } from '../errors.ts';
import { badRequest, invalidFields } from '../errors.ts';

type WantedKind = Pick<Kind, 'group' | 'version' | 'kind'>;

/** Upstream's lengths: 63 characters for a name, of which five are made up. */
const suffixLength = 5;
const maxPrefixLength = 63 - suffixLength;

/** `generateName` with five characters behind it. */
export function generateName(core: Core, prefix: string): string {
  return prefix.slice(0, maxPrefixLength) + core.random.suffix(suffixLength);
}

/** The identity of a new object: known to admission already, which therefore cannot change it. */
export function identityOf(core: Core): { uid: string; creationTimestamp: string } {
  return { uid: core.random.uuid(), creationTimestamp: formatTime(core.clock.now()) };
}

/** What only the server says about a new object. */
export function fillNewMetadata(core: Core, draft: UnknownObject, identity: ReturnType<typeof identityOf>): void {
  const { metadata } = draft;
  Object.assign(metadata, identity);
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  // Rules of kinds look at names: one that is missing is an empty one.
  metadata.name ||= metadata.generateName ? generateName(core, metadata.generateName) : '';
}

/** A body must be of the kind that its URL serves. `wanted` differs from the resource's own kind for subresources. Throws 400. */
export function checkType(object: UnknownObject, wanted: WantedKind, scheme: Scheme): void {
  if (isCustom(wanted)) checkCustomType(object, wanted);
  object.apiVersion ||= apiVersionOf(wanted);
  object.kind ||= wanted.kind;
  const { kind, apiVersion } = object;
  if (kind === wanted.kind && apiVersion === apiVersionOf(wanted)) return;
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  const isKnown = scheme.typeOf(group, version, kind) !== undefined;
  if (isKnown && kind === wanted.kind && group === wanted.group) throw wrongVersion(object, wanted);
  const why = isKnown
    ? `converting (${version}.${kind}) to (${packageOf(wanted.group)}.${wanted.kind}): unknown conversion`
    : `no kind "${kind}" is registered for version "${apiVersion}" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"`;
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${wanted.kind}: ${why}`);
}

function isCustom(wanted: WantedKind): boolean {
  return 'custom' in wanted;
}

/** Custom resources must say what they are. Throws 400 and 422. Source: unstructured's decoder, registry/customresource/validator.go. */
function checkCustomType(object: UnknownObject, wanted: WantedKind): void {
  const { kind, apiVersion } = object;
  if (!kind) {
    const text = JSON.stringify(object);
    const subject = `the object provided is unrecognized (must be of type ${wanted.kind})`;
    throw badRequest(`${subject}: Object 'Kind' is missing in '${text}' (${summarize(Buffer.from(text))})`);
  }
  if (apiVersion !== apiVersionOf(wanted)) throw wrongVersion({ apiVersion: apiVersion ?? '' }, wanted);
  if (kind === wanted.kind) return;
  const message = `Invalid value: ${JSON.stringify(kind)}: must be ${wanted.kind}`;
  throw invalidFields(wanted, object.metadata?.name, [{ reason: 'FieldValueInvalid', field: 'kind', message }]);
}

/** Upstream's package of a group's internal types, for its message. */
function packageOf(group: string): string {
  return group === '' ? 'core' : group.split('.', 1)[0]!;
}

/** The right kind in a version that is served elsewhere. */
export function wrongVersion(object: { apiVersion?: unknown }, wanted: WantedKind): StatusError {
  return badRequest(
    `the API version in the data (${String(object.apiVersion)}) does not match the expected API version (${apiVersionOf(wanted)})`,
  );
}

/** The namespace of the URL goes into the object; another one in the object is a mistake. Cluster-scoped objects have none. */
export function alignNamespace(kind: Kind, draft: UnknownObject, namespace: string | undefined): void {
  const { metadata } = draft;
  if (!kind.namespaced) {
    if (metadata.namespace) throw badRequest('namespace may not be set on cluster-scoped objects');
    delete metadata.namespace;
    return;
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (namespace) metadata.namespace = namespace;
}

/** An update must name the object of its URL. */
export function alignName(draft: UnknownObject, name: string): void {
  const { metadata } = draft;
  if (metadata.name && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  metadata.name = name;
}

/** A new object has no resourceVersion. Upstream's text; its code there is a bare 500, which says that the server is at fault. */
export function refuseResourceVersion(): StatusError {
  return badRequest('resourceVersion should not be set on objects to be created');
}

/** What an update cannot change, taken over from the old object when the new one leaves it out. */
export function inheritMetadata(draft: UnknownObject, old: UnknownObject): void {
  const [to, from] = [draft.metadata, old.metadata];
  to.uid ||= from.uid;
  to.creationTimestamp ||= from.creationTimestamp;
  delete to.selfLink;
  if (from.generateName && !to.generateName) to.generateName = from.generateName;
  for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    // Deletion is asked for with DELETE only: an update neither begins nor ends it.
    if (to[field] === undefined && from[field] !== undefined) Object.assign(to, { [field]: from[field] });
  }
  if (from.generation === undefined) delete to.generation;
  else to.generation = from.generation;
}
