import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { StorageClass } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { forbidden, immutableMessage, invalid, notSupported, pushInvalid, required, tooLong } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { warnAboutStorageClass } from '../storage-warnings.ts';

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const reclaimPolicies: readonly string[] = ['Delete', 'Retain'];
const bindingModes: readonly string[] = ['Immediate', 'WaitForFirstConsumer'];
const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

function validate(object: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  const { provisioner, reclaimPolicy, volumeBindingMode, allowedTopologies } = object;
  if (!provisioner) errors.push(required('provisioner', provisioner ?? ''));
  else pushInvalid(errors, 'provisioner', provisioner, checkQualifiedName(provisioner.toLowerCase()));
  checkParameters(errors, object.parameters ?? {});
  if (reclaimPolicy && !reclaimPolicies.includes(reclaimPolicy)) {
    errors.push(notSupported('reclaimPolicy', reclaimPolicy, reclaimPolicies));
  }
  if (volumeBindingMode === undefined) errors.push(required('volumeBindingMode'));
  else if (!bindingModes.includes(volumeBindingMode)) {
    errors.push(notSupported('volumeBindingMode', volumeBindingMode, bindingModes));
  }
  eachAt('allowedTopologies', allowedTopologies, (at, term) => {
    eachAt(`${at}.matchLabelExpressions`, term.matchLabelExpressions, (path, { key, values }) => {
      if (!values?.length) errors.push(required(`${path}.values`));
      pushInvalid(errors, `${path}.key`, key, checkQualifiedName(key));
    });
  });
  return errors;
}

function checkParameters(errors: FieldError[], parameters: Record<string, string>): void {
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) errors.push(tooLong('parameters', maxParameters));
  let total = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.push(invalid('parameters', key, 'field can not be empty.'));
    total += key.length + value.length;
  }
  if (total > maxParameterBytes) errors.push(tooLong('parameters', maxParameterBytes));
}

function validateUpdate(object: StorageClass, old: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  if (!semanticallyEqual(object.parameters ?? {}, old.parameters ?? {})) {
    errors.push(forbidden('parameters', 'updates to parameters are forbidden.'));
  }
  if (object.provisioner !== old.provisioner) {
    errors.push(forbidden('provisioner', 'updates to provisioner are forbidden.'));
  }
  if (object.reclaimPolicy !== old.reclaimPolicy) {
    errors.push(forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.'));
  }
  if (object.volumeBindingMode !== old.volumeBindingMode) {
    errors.push(invalid('volumeBindingMode', object.volumeBindingMode, immutableMessage));
  }
  return [...errors, ...validate(object)];
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
