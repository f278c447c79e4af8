import type { FieldError, KindBehaviour } from '../kind.ts';
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../types.ts';
import { byteLength } from './base64.ts';
import { semanticallyEqual } from './equality.ts';
import {
  checkNonNegative,
  forbidden,
  immutableMessage,
  invalid,
  notSupported,
  pushInvalid,
  required,
  tooLong,
} from './field-error.ts';
import { checkLabels } from './label-selector.ts';
import { checkLabel, checkLabel1035, checkPathSegment, checkQualifiedName, checkSubdomain } from './name-rules.ts';

type NameRule = NonNullable<KindBehaviour<never>['nameRule']>;

const maxAnnotationBytes = 256 * 1024;
const maxManagerBytes = 128;

const nameRules: Readonly<Record<NameRule, (name: string) => readonly string[]>> = {
  subdomain: checkSubdomain,
  label: checkLabel,
  label1035: checkLabel1035,
  path: checkPathSegment,
};

export interface MetadataOptions {
  namespaced: boolean;
  /** Default: subdomain. */
  nameRule?: NameRule | undefined;
  /** Default: `metadata`; templates inside other objects have longer paths. */
  path?: string;
}

/** The metadata of a new object, after its name was generated. Source: apimachinery's ValidateObjectMeta. */
export function validateMetadata(metadata: ObjectMeta, options: MetadataOptions): FieldError[] {
  const errors: FieldError[] = [];
  const path = options.path ?? 'metadata';
  const rule = nameRules[options.nameRule ?? 'subdomain'];
  if (metadata.generateName) {
    pushInvalid(errors, `${path}.generateName`, metadata.generateName, rule(maskTrailingDash(metadata.generateName)));
  }
  if (!metadata.name) errors.push(required(`${path}.name`, 'name or generateName is required'));
  else pushInvalid(errors, `${path}.name`, metadata.name, rule(metadata.name));
  checkNamespace(errors, path, { namespace: metadata.namespace, namespaced: options.namespaced });
  checkNonNegative(errors, `${path}.generation`, metadata.generation);
  checkCommon(errors, path, metadata);
  checkFinalizers(errors, `${path}.finalizers`, metadata.finalizers);
  return errors;
}

/** What an update may not change, and that it names the version it is based on. Source: ValidateObjectMetaUpdate. */
export function validateMetadataUpdate(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) checkNoNewFinalizers(errors, metadata.finalizers, old.finalizers);
  if (!metadata.resourceVersion) {
    errors.push(invalid('metadata.resourceVersion', '', 'must be specified for an update'));
  }
  checkNonNegative(errors, 'metadata.generation', metadata.generation);
  if ((metadata.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid('metadata.generation', metadata.generation ?? 0, 'must not be decremented'));
  }
  for (const field of immutableFields) {
    if (!semanticallyEqual(metadata[field], old[field])) {
      errors.push(invalid(`metadata.${field}`, metadata[field] ?? emptyOf(field), immutableMessage));
    }
  }
  checkCommon(errors, 'metadata', metadata);
  return errors;
}

const immutableFields = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** Go prints missing strings as "" and missing times and numbers as null. */
function emptyOf(field: (typeof immutableFields)[number]): string | undefined {
  return field === 'name' || field === 'namespace' || field === 'uid' ? '' : undefined;
}

function checkNamespace(
  errors: FieldError[],
  path: string,
  { namespace, namespaced }: { namespace: string | undefined; namespaced: boolean },
): void {
  if (!namespaced) {
    if (namespace) errors.push(forbidden(`${path}.namespace`, 'not allowed on this type'));
  } else if (!namespace) errors.push(required(`${path}.namespace`));
  else pushInvalid(errors, `${path}.namespace`, namespace, checkLabel(namespace));
}

function checkCommon(errors: FieldError[], path: string, metadata: ObjectMeta): void {
  if (metadata.labels) checkLabels(errors, `${path}.labels`, metadata.labels);
  if (metadata.annotations) checkAnnotations(errors, `${path}.annotations`, metadata.annotations);
  if (metadata.ownerReferences) checkOwners(errors, `${path}.ownerReferences`, metadata.ownerReferences);
  (metadata.managedFields ?? []).forEach((entry, index) => {
    checkManagedFields(errors, `${path}.managedFields[${index}]`, entry);
  });
}

/** Keys in any case, all together at most 256 KiB. */
export function checkAnnotations(
  errors: FieldError[],
  path: string,
  annotations: Record<string, string> | undefined,
): void {
  let total = 0;
  for (const key in annotations) {
    const messages = checkQualifiedName(key.toLowerCase());
    if (messages.length > 0) pushInvalid(errors, path, key, messages);
    total += byteLength(key) + byteLength(annotations[key]!);
  }
  if (total > maxAnnotationBytes) errors.push(tooLong(path, maxAnnotationBytes));
}

function checkOwners(errors: FieldError[], path: string, owners: readonly OwnerReference[]): void {
  let controller: string | undefined;
  owners.forEach((owner, index) => {
    checkOwner(errors, `${path}[${index}]`, owner);
    if (!owner.controller) return;
    const name = `${owner.kind}/${owner.name}`;
    if (controller) {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalid(path, owners, detail));
    } else controller = name;
  });
}

function checkOwner(errors: FieldError[], path: string, owner: OwnerReference): void {
  const slashes = (owner.apiVersion ?? '').split('/').length - 1;
  if (!owner.apiVersion) errors.push(required(`${path}.apiVersion`, 'must not be empty'));
  else if (slashes > 1 || owner.apiVersion.endsWith('/')) {
    errors.push(invalid(`${path}.apiVersion`, owner.apiVersion, 'must be <group>/<version> or <version>'));
  }
  for (const field of ['kind', 'name', 'uid'] as const) {
    if (!owner[field]) errors.push(required(`${path}.${field}`, 'must not be empty'));
  }
  if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
    errors.push(invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
  }
}

function checkFinalizers(errors: FieldError[], path: string, finalizers: readonly string[] | undefined): void {
  for (const finalizer of finalizers ?? []) pushInvalid(errors, path, finalizer, checkQualifiedName(finalizer));
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const detail = 'finalizer orphan and foregroundDeletion cannot be both set';
    errors.push(invalid(path, finalizers, detail));
  }
}

function checkNoNewFinalizers(
  errors: FieldError[],
  finalizers: readonly string[] | undefined,
  old: readonly string[] | undefined,
): void {
  const extra = [...new Set(finalizers)].filter(finalizer => !old?.includes(finalizer)).sort();
  if (extra.length === 0) return;
  const list = `[]string{${extra.map(finalizer => JSON.stringify(finalizer)).join(', ')}}`;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
  errors.push(forbidden('metadata.finalizers', detail));
}

function checkManagedFields(errors: FieldError[], path: string, entry: ManagedFieldsEntry): void {
  if (!entry.operation) errors.push(required(`${path}.operation`, 'must not be empty'));
  else if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
    errors.push(notSupported(`${path}.operation`, entry.operation, ['Apply', 'Update']));
  }
  if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') {
    errors.push(invalid(`${path}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`'));
  }
  if (entry.manager && byteLength(entry.manager) > maxManagerBytes) {
    errors.push(tooLong(`${path}.manager`, maxManagerBytes));
  }
}

/** The end of a generated name is still to come, so a dash there is fine. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}
