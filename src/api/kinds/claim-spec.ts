import type { FieldError } from '../kind.ts';
import type { PersistentVolumeClaimSpec, TypedObjectReference } from '../types.ts';
import { forbidden, invalid, notSupported, pushInvalid, required } from './field-error.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkLabel, checkSubdomain } from './name-rules.ts';
import { parseNano } from './quantity.ts';

export const accessModes: readonly string[] = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const volumeModes: readonly string[] = ['Block', 'Filesystem'];

/** What a claim asks for: of a claim, or of an ephemeral volume's template. */
export function checkClaimSpec(errors: FieldError[], path: string, spec: PersistentVolumeClaimSpec): void {
  if (!spec.accessModes?.length) errors.push(required(`${path}.accessModes`, 'at least 1 access mode is required'));
  checkLabelSelector(errors, `${path}.selector`, spec.selector);
  checkAccessModes(errors, `${path}.accessModes`, spec.accessModes);
  checkStorage(errors, `${path}.resources[storage]`, spec.resources?.requests?.storage);
  checkClassName(errors, `${path}.storageClassName`, spec.storageClassName);
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.push(notSupported(`${path}.volumeMode`, spec.volumeMode, volumeModes));
  }
  if (spec.dataSource) checkDataSource(errors, `${path}.dataSource`, spec.dataSource);
  if (spec.dataSourceRef) checkDataSource(errors, `${path}.dataSourceRef`, spec.dataSourceRef);
  checkSameSource(errors, path, spec);
  checkClassName(errors, `${path}.volumeAttributesClassName`, spec.volumeAttributesClassName);
}

/** Names of storage classes and the like; empty is as none. */
export function checkClassName(errors: FieldError[], path: string, name: string | undefined): void {
  if (name) pushInvalid(errors, path, name, checkSubdomain(name));
}

/** All known, and `ReadWriteOncePod` alone. That there is one is for the caller to say. */
export function checkAccessModes(errors: FieldError[], path: string, modes: readonly string[] | undefined): void {
  for (const mode of modes ?? []) if (!accessModes.includes(mode)) errors.push(notSupported(path, mode, accessModes));
  const others = modes?.some(mode => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (modes?.includes('ReadWriteOncePod') && others) {
    errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  }
}

function checkStorage(errors: FieldError[], path: string, value: string | undefined): void {
  if (value === undefined) return void errors.push(required(path));
  const nanos = parseNano(value);
  if (nanos === undefined) return; // The shape check has complained already.
  if (nanos <= 0n) errors.push(invalid(path, value, 'must be greater than zero'));
}

function checkDataSource(errors: FieldError[], path: string, source: TypedObjectReference): void {
  if (!source.name) errors.push(required(`${path}.name`));
  if (!source.kind) errors.push(required(`${path}.kind`));
  const group = source.apiGroup ?? '';
  if (!group && source.kind !== 'PersistentVolumeClaim') {
    const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(invalid(path, source.kind, detail));
  }
  if (group) pushInvalid(errors, `${path}.apiGroup`, group, checkSubdomain(group));
  if (source.namespace) pushInvalid(errors, `${path}.namespace`, source.namespace, checkLabel(source.namespace));
}

function checkSameSource(errors: FieldError[], path: string, spec: PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec;
  if (!dataSource || !dataSourceRef) return;
  const field = `${path}.dataSource`;
  if (dataSourceRef.namespace) {
    errors.push(invalid(path, field, 'may not be specified when dataSourceRef.namespace is specified'));
    return;
  }
  const same =
    (dataSource.apiGroup ?? '') === (dataSourceRef.apiGroup ?? '') &&
    dataSource.kind === dataSourceRef.kind &&
    dataSource.name === dataSourceRef.name;
  if (!same) errors.push(invalid(path, field, 'must match dataSourceRef'));
}
