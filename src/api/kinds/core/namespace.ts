import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Namespace } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { invalid, pushInvalid } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';

const nameLabel = 'kubernetes.io/metadata.name';
const knownFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function validateFinalizers(object: Namespace, indexed: boolean): FieldError[] {
  const errors: FieldError[] = [];
  (object.spec?.finalizers ?? []).forEach((finalizer, index) => {
    const path = indexed ? `spec.finalizers[${index}]` : 'spec.finalizers';
    pushInvalid(errors, path, finalizer, checkQualifiedName(finalizer));
    if (!finalizer.includes('/') && !knownFinalizers.has(finalizer)) {
      errors.push(invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'));
    }
  });
  return errors;
}

function validateStatus(object: Namespace): FieldError[] {
  const phase = object.status?.phase ?? '';
  const deleted = object.metadata.deletionTimestamp !== undefined;
  const expected = deleted ? 'Terminating' : 'Active';
  if (phase === expected) return [];
  const detail = deleted
    ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
    : "may only be 'Active' if `deletionTimestamp` is empty";
  return [invalid('status.Phase', phase, detail)];
}

export const namespace: KindBehaviour<Namespace> = {
  shortNames: ['ns'],
  nameRule: 'label',
  defaults(draft) {
    if (draft.metadata.name) {
      draft.metadata.labels ??= {};
      draft.metadata.labels[nameLabel] = draft.metadata.name;
    }
    draft.spec ??= {};
    draft.status ??= {};
    draft.status.phase ||= 'Active';
  },
  prepareCreate(draft) {
    draft.status = { phase: 'Active' };
    const finalizers = draft.spec.finalizers ?? [];
    draft.spec.finalizers = finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'];
  },
  prepareUpdate(draft, old) {
    draft.spec = { ...draft.spec, finalizers: old.spec?.finalizers };
    keepStatus(draft, old);
  },
  prepareSubresource(draft, old, subresource) {
    if (subresource === 'status') keepAllButStatus(draft, old);
    if (subresource === 'finalize') keepStatus(draft, old);
  },
  validateCreate: object => validateFinalizers(object, false),
  validateSubresource(object, _old, subresource) {
    return subresource === 'finalize' ? validateFinalizers(object, true) : validateStatus(object);
  },
  columns: [nameColumn, text('Status', 'The status of the namespace', o => o.status?.phase ?? ''), ageColumn],
  selectableFields: { name: o => o.metadata.name, 'status.phase': o => o.status?.phase ?? '' },
};
