import type { FieldError } from '../../kind.ts';
import type { Pace } from '../../pace.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../types.ts';
import { immutableMessage, invalid, notSupported, required } from '../field-error.ts';
import { checkLabel1035, checkSubdomain } from '../name-rules.ts';
import { checkApproval } from './approval-rules.ts';
import { checkConversion, hasKnownVersion, isValidBundle } from './conversion-rules.ts';
import { checkVersions } from './version-rules.ts';

const scopes: readonly string[] = ['Cluster', 'Namespaced'];

/** A new definition. Source: pkg/apis/apiextensions/validation/validation.go. */
export function validateDefinition(object: CustomResourceDefinition, pace?: Pace): FieldError[] {
  return checkDefinition(object, undefined, pace);
}

/** A changed one: what was accepted before is not judged more strictly than it was. */
export function validateDefinitionUpdate(
  object: CustomResourceDefinition,
  old: CustomResourceDefinition,
  pace?: Pace,
): FieldError[] {
  return checkDefinition(object, old, pace);
}

/** A write of the status. */
export function validateDefinitionStatus(object: CustomResourceDefinition): FieldError[] {
  const errors: FieldError[] = [];
  checkNames(errors, 'status.acceptedNames', object.status?.acceptedNames);
  return errors;
}

function isEstablished(definition: CustomResourceDefinition | undefined): boolean {
  return (
    definition?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
  );
}

function checkDefinition(
  object: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  pace: Pace | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  const expected = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  if (!old && object.metadata.name !== expected) {
    errors.push(invalid('metadata.name', object.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  checkGroup(errors, spec.group ?? '');
  if (!spec.scope) errors.push(required('spec.scope'));
  else if (!scopes.includes(spec.scope)) errors.push(notSupported('spec.scope', spec.scope, scopes));
  checkVersions(errors, { definition: object, old, pace });
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!spec.names?.[name]) errors.push(required(`spec.names.${name}`));
  }
  checkNames(errors, 'spec.names', spec.names);
  checkConversion(errors, spec.conversion, conversionOptions(old));
  if (old) checkImmutable(errors, object, old);
  errors.push(...validateDefinitionStatus(object));
  checkStoredVersions(errors, object);
  checkApproval(errors, object, old);
  if (spec.preserveUnknownFields && !old?.spec.preserveUnknownFields) {
    const detail =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    errors.push(invalid('spec.preserveUnknownFields', true, detail));
  }
  return errors;
}

function conversionOptions(old: CustomResourceDefinition | undefined) {
  const webhook = old?.spec.conversion?.webhook;
  const bundle = webhook?.clientConfig?.caBundle;
  const versions = webhook?.conversionReviewVersions ?? [];
  return {
    mayHaveInvalidBundle: !isEstablished(old) || (Boolean(bundle) && !isValidBundle(bundle!)),
    mustKnowVersion: versions.length === 0 || hasKnownVersion(versions),
  };
}

function checkGroup(errors: FieldError[], group: string): void {
  const messages = checkSubdomain(group);
  if (!group) errors.push(required('spec.group'));
  else if (messages.length > 0) errors.push(invalid('spec.group', group, messages.join(',')));
  else if (!group.includes('.')) {
    errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'));
  }
}

function checkNames(errors: FieldError[], path: string, names: CustomResourceDefinitionNames | undefined): void {
  const check = (field: string, value: string | undefined, prefix = '') => {
    if (!value) return;
    const messages = checkLabel1035(prefix ? value.toLowerCase() : value);
    if (messages.length > 0) errors.push(invalid(`${path}.${field}`, value, `${prefix}${messages.join(',')}`));
  };
  const mixed = 'may have mixed case, but should otherwise match: ';
  check('plural', names?.plural);
  check('singular', names?.singular);
  check('kind', names?.kind, mixed);
  check('listKind', names?.listKind, mixed);
  names?.shortNames?.forEach((name, index) => {
    checkItem(errors, `${path}.shortNames[${index}]`, name);
  });
  if (names?.kind && names.kind === names.listKind) {
    errors.push(invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'));
  }
  names?.categories?.forEach((name, index) => {
    checkItem(errors, `${path}.categories[${index}]`, name);
  });
}

function checkItem(errors: FieldError[], field: string, value: string): void {
  const messages = checkLabel1035(value);
  if (messages.length > 0) errors.push(invalid(field, value, messages.join(',')));
}

/** Scope and kind stay once the kind is served; group and plural are the name of the definition. */
function checkImmutable(errors: FieldError[], object: CustomResourceDefinition, old: CustomResourceDefinition): void {
  const fixed: [string, unknown, unknown][] = [];
  if (isEstablished(old)) {
    fixed.push(
      ['spec.scope', object.spec.scope, old.spec.scope],
      ['spec.names.kind', object.spec.names?.kind, old.spec.names?.kind],
    );
  }
  fixed.push(
    ['spec.group', object.spec.group, old.spec.group],
    ['spec.names.plural', object.spec.names?.plural, old.spec.names?.plural],
  );
  for (const [path, now, before] of fixed) if (now !== before) errors.push(invalid(path, now, immutableMessage));
}

/** Versions in which objects may be stored must stay. */
function checkStoredVersions(errors: FieldError[], object: CustomResourceDefinition): void {
  const path = 'status.storedVersions';
  const stored = object.status?.storedVersions ?? [];
  if (stored.length === 0) {
    errors.push(invalid(path, stored, 'must have at least one stored version'));
    return;
  }
  const versions = object.spec.versions ?? [];
  for (const { name, storage } of versions) {
    if (storage && !stored.includes(name)) errors.push(invalid(path, stored, `must have the storage version ${name}`));
  }
  stored.forEach((name, index) => {
    if (versions.some(version => version.name === name)) return;
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(invalid(`${path}[${index}]`, name, detail));
  });
}
