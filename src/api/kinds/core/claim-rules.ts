import type { FieldError } from '../../kind.ts';
import type { PersistentVolumeClaim, Quantity } from '../../types.ts';
import { checkClaimSpec } from '../claim-spec.ts';
import { describeDifference } from '../difference.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, immutableMessage, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { parseNano, quantitiesEqual } from '../quantity.ts';

export function validateClaim(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  checkClaimSpec(errors, 'spec', claim.spec ?? {});
  return errors;
}

/** After creation only the size and the attributes of a bound claim may change, and the class may be filled in. */
export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validateClaim(claim);
  const [spec, before] = [claim.spec ?? {}, old.spec ?? {}];
  const munged = { ...spec, resources: { ...spec.resources, requests: { ...spec.resources?.requests } } };
  if (!before.volumeName) munged.volumeName = before.volumeName;
  if (before.storageClassName === undefined) munged.storageClassName = before.storageClassName;
  checkClassAnnotation(errors, claim, old);
  const [size, oldSize] = [spec.resources?.requests?.storage, before.resources?.requests?.storage];
  const bound = claim.status?.phase === 'Bound';
  if (bound) munged.volumeAttributesClassName = before.volumeAttributesClassName;
  if (oldSize !== undefined && (bound || quantitiesEqual(size, oldSize))) munged.resources.requests.storage = oldSize;
  const oldSpec = { ...before, resources: { ...before.resources, requests: { ...before.resources?.requests } } };
  if (!semanticallyEqual(munged, oldSpec)) {
    const text =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbidden('spec', `${text}\n${describeDifference(oldSpec, munged)}`));
  }
  checkShrink(errors, { size, oldSize, capacity: old.status?.capacity?.storage });
  if ((spec.volumeMode ?? '') !== (before.volumeMode ?? '')) {
    errors.push(invalid('volumeMode', spec.volumeMode, immutableMessage));
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes !== before.volumeAttributesClassName && old.status?.currentVolumeAttributesClassName && !attributes) {
    const what = attributes === undefined ? 'nil' : 'empty string';
    const detail = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
    errors.push(forbidden('spec.volumeAttributesClassName', detail));
  }
  return errors;
}

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** Where the class stood before it had a member: what was said there may move to the member, and nothing else. */
function checkClassAnnotation(errors: FieldError[], claim: PersistentVolumeClaim, old: PersistentVolumeClaim): void {
  const [now, before] = [claim.metadata.annotations?.[classAnnotation], old.metadata.annotations?.[classAnnotation]];
  const isMoved =
    before !== undefined && old.spec?.storageClassName === undefined && claim.spec?.storageClassName === before;
  if ((now ?? '') === (before ?? '') || (isMoved && now === undefined)) return;
  errors.push(invalid(`metadata.annotations[${classAnnotation}]`, now ?? '', immutableMessage));
}

interface Sizes {
  size: string | undefined;
  oldSize: string | undefined;
  capacity: string | undefined;
}

/** A claim may shrink its wish, but not below what it has. */
function checkShrink(errors: FieldError[], { size, oldSize, capacity }: Sizes): void {
  const wanted = parseNano(size ?? '0') ?? 0n;
  if (wanted >= (parseNano(oldSize ?? '0') ?? 0n)) return;
  if (wanted > (parseNano(capacity ?? '0') ?? 0n)) return;
  errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
}

const resizeStates: readonly string[] = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
].sort();

/** What a volume has, and how far a change of its size has come. */
export function validateClaimStatus(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  if (!claim.spec?.accessModes?.length) errors.push(required('Spec.accessModes'));
  const { capacity = {}, allocatedResourceStatuses = {}, allocatedResources = {} } = claim.status ?? {};
  for (const name in capacity) checkNotNegative(errors, `status.capacity[${name}]`, capacity[name]!);
  for (const name in allocatedResourceStatuses) {
    checkResourceKey(errors, 'status.allocatedResourceStatuses', name);
    if (resizeStates.includes(allocatedResourceStatuses[name]!)) continue;
    errors.push(notSupported('status.allocatedResourceStatuses', name, resizeStates));
  }
  for (const name in allocatedResources) {
    if (!checkResourceKey(errors, 'status.allocatedResources', name)) continue;
    checkNotNegative(errors, `status.allocatedResources[${name}]`, allocatedResources[name]!);
  }
  return errors;
}

/** Of Kubernetes' own resources a claim has only storage. */
function checkResourceKey(errors: FieldError[], path: string, name: string): boolean {
  const messages = checkQualifiedName(name);
  pushInvalid(errors, path, name, messages);
  if (messages.length > 0) return false;
  const isNative = !name.includes('/') || name.includes('kubernetes.io/');
  if (!isNative || name === 'storage') return true;
  errors.push(notSupported(path, name, ['storage']));
  return false;
}

function checkNotNegative(errors: FieldError[], path: string, value: Quantity): void {
  const nanos = parseNano(value) ?? 0n;
  if (nanos >= 0n) return;
  errors.push(invalid(path, Number(-(-nanos / 1_000_000_000n)), 'must be a valid resource quantity'));
}
