import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { StorageClass, TopologySelectorTerm } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, immutableMessage, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { warnAboutStorageClass } from '../storage-warnings.ts';
import { checkParameters, checkProvisioner } from './parameters.ts';

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const reclaimPolicies: readonly string[] = ['Delete', 'Retain'];
const bindingModes: readonly string[] = ['Immediate', 'WaitForFirstConsumer'];

function validate(object: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  const { provisioner, reclaimPolicy, volumeBindingMode, allowedTopologies } = object;
  checkProvisioner(errors, 'provisioner', provisioner);
  checkParameters(errors, 'parameters', object.parameters ?? {});
  if (reclaimPolicy && !reclaimPolicies.includes(reclaimPolicy)) {
    errors.push(notSupported('reclaimPolicy', reclaimPolicy, reclaimPolicies));
  }
  if (volumeBindingMode === undefined) errors.push(required('volumeBindingMode'));
  else if (!bindingModes.includes(volumeBindingMode)) {
    errors.push(notSupported('volumeBindingMode', volumeBindingMode, bindingModes));
  }
  checkTopologies(errors, allowedTopologies);
  return errors;
}

/** No term twice; within one no key, and of a key no value. */
function checkTopologies(errors: FieldError[], terms: readonly TopologySelectorTerm[] | undefined): void {
  const seen = new Set<string>();
  eachAt('allowedTopologies', terms, (at, { matchLabelExpressions = [] }) => {
    const keys = new Map<string, string[]>();
    eachAt(`${at}.matchLabelExpressions`, matchLabelExpressions, (path, { key, values = [] }) => {
      if (values.length === 0) errors.push(required(`${path}.values`));
      const known = new Set<string>();
      eachAt(`${path}.values`, values, (where, value) => {
        if (known.has(value)) errors.push(duplicate(where, value));
        known.add(value);
      });
      pushInvalid(errors, `${path}.key`, key, checkQualifiedName(key));
      if (keys.has(key)) errors.push(duplicate(`${path}.key`, key));
      keys.set(key, [...known].sort());
    });
    const shape = JSON.stringify([...keys].sort(([a], [b]) => (a < b ? -1 : 1)));
    if (keys.size > 0 && seen.has(shape)) errors.push(duplicate(`${at}.matchLabelExpressions`, ''));
    seen.add(shape);
  });
}

const fixed = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;

function validateUpdate(object: StorageClass, old: StorageClass): FieldError[] {
  const errors = validate(object);
  for (const field of fixed) {
    if (!semanticallyEqual(object[field], old[field])) errors.push(invalid(field, object[field], immutableMessage));
  }
  return errors;
}

function formatName({ metadata }: StorageClass): string {
  const isDefault = defaultAnnotations.some(key => metadata.annotations?.[key] === 'true');
  return isDefault ? `${metadata.name} (default)` : metadata.name;
}

export const storageClass: KindBehaviour<StorageClass> = {
  shortNames: ['sc'],
  defaults(draft) {
    draft.reclaimPolicy ??= 'Delete';
    draft.volumeBindingMode ??= 'Immediate';
  },
  validateCreate: validate,
  validateUpdate,
  warnings: warnAboutStorageClass,
  columns: [
    { ...nameColumn, value: object => formatName(object as StorageClass) },
    text('Provisioner', 'Who makes the volumes.', o => o.provisioner),
    text('ReclaimPolicy', 'What happens to volumes whose claim goes.', o => o.reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', 'When a claim gets its volume.', o => o.volumeBindingMode ?? 'Immediate'),
    text('AllowVolumeExpansion', 'Whether claims may grow.', o => o.allowVolumeExpansion ?? false),
    ageColumn,
  ],
};
