import type { FieldError } from '../../kind.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../types.ts';
import { duplicate, immutableMessage, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabel1035, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

const scopes: readonly string[] = ['Cluster', 'Namespaced'];
const strategies: readonly string[] = ['None', 'Webhook'];
const columnTypes: readonly string[] = ['boolean', 'date', 'integer', 'number', 'string'];

/** What a definition says of its kind. Its schemas are judged where they are compiled. */
export function validateDefinition(object: CustomResourceDefinition): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  const expected = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  if (object.metadata.name !== expected) {
    errors.push(invalid('metadata.name', object.metadata.name, `must be spec.names.plural+"."+spec.group`));
  }
  if (!spec.group) errors.push(required('spec.group'));
  else {
    pushInvalid(errors, 'spec.group', spec.group, checkSubdomain(spec.group));
    if (!spec.group.includes('.')) {
      errors.push(invalid('spec.group', spec.group, 'should be a domain with at least one dot'));
    }
  }
  if (!spec.scope) errors.push(required('spec.scope'));
  else if (!scopes.includes(spec.scope)) errors.push(notSupported('spec.scope', spec.scope, scopes));
  checkVersions(errors, spec.versions ?? []);
  if (spec.preserveUnknownFields) {
    const detail =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    errors.push(invalid('spec.preserveUnknownFields', true, detail));
  }
  checkNames(errors, object);
  checkConversion(errors, object);
  return errors;
}

function checkVersions(errors: FieldError[], versions: readonly CustomResourceDefinitionVersion[]): void {
  const names = new Set<string>();
  let unique = true;
  eachAt('spec.versions', versions, (at, version) => {
    if (names.has(version.name)) unique = false;
    names.add(version.name);
    const messages = checkLabel1035(version.name ?? '');
    if (messages.length > 0) errors.push(invalid(`${at}.name`, version.name ?? '', messages.join(',')));
    const schema = version.schema?.openAPIV3Schema;
    if (!schema) errors.push(required(`${at}.schema.openAPIV3Schema`, 'schemas are required'));
    else if (!('type' in schema) || !schema.type) {
      errors.push(required(`${at}.schema.openAPIV3Schema.type`, 'must not be empty at the root'));
    } else if (schema.type !== 'object') {
      errors.push(invalid(`${at}.schema.openAPIV3Schema.type`, schema.type, 'must be object at the root'));
    }
    if (version.deprecationWarning !== undefined && !version.deprecated) {
      const detail = 'can only be set for deprecated versions';
      errors.push(invalid(`${at}.deprecationWarning`, version.deprecationWarning, detail));
    }
    checkColumns(errors, `${at}.additionalPrinterColumns`, version);
    const scale = version.subresources?.scale;
    if (scale) {
      for (const field of ['specReplicasPath', 'statusReplicasPath'] as const) {
        const prefix = field === 'specReplicasPath' ? '.spec.' : '.status.';
        const path = scale[field] ?? '';
        if (!path) errors.push(required(`${at}.subresources.scale.${field}`));
        else if (!path.startsWith(prefix)) {
          const detail = `should be a json path under ${prefix.slice(0, -1)}`;
          errors.push(invalid(`${at}.subresources.scale.${field}`, path, detail));
        }
      }
    }
  });
  if (versions.length === 0) errors.push(required('spec.versions', 'must have at least one version'));
  if (!unique) errors.push(invalid('spec.versions', [...names], 'must contain unique version names'));
  if (versions.filter(version => version.storage).length !== 1) {
    errors.push(invalid('spec.versions', [...names], 'must have exactly one version marked as storage version'));
  }
}

function checkColumns(errors: FieldError[], path: string, version: CustomResourceDefinitionVersion): void {
  const names = new Set<string>();
  eachAt(path, version.additionalPrinterColumns, (at, { name, type, jsonPath }) => {
    if (!name) errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (!type) errors.push(required(`${at}.type`, `must be one of ${columnTypes.join(',')}`));
    else if (!columnTypes.includes(type)) {
      errors.push(invalid(`${at}.type`, type, `must be one of ${columnTypes.join(',')}`));
    }
    if (!jsonPath) errors.push(required(`${at}.JSONPath`));
    else if (!jsonPath.startsWith('.')) {
      errors.push(invalid(`${at}.jsonPath`, jsonPath, 'must be a simple json path starting with .'));
    }
  });
}

function checkNames(errors: FieldError[], object: CustomResourceDefinition): void {
  const names = object.spec.names;
  const path = 'spec.names';
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const value = names?.[field] ?? '';
    if (!value) {
      if (field !== 'singular') errors.push(required(`${path}.${field}`));
      continue;
    }
    const messages = checkLabel1035(field === 'kind' || field === 'listKind' ? value.toLowerCase() : value);
    if (messages.length > 0) errors.push(invalid(`${path}.${field}`, value, messages.join(',')));
  }
  eachAt(`${path}.shortNames`, names?.shortNames, (at, name) => {
    const messages = checkLabel1035(name);
    if (messages.length > 0) errors.push(invalid(at, name, messages.join(',')));
  });
  eachAt(`${path}.categories`, names?.categories, (at, name) => {
    const messages = checkLabel1035(name);
    if (messages.length > 0) errors.push(invalid(at, name, messages.join(',')));
  });
  if (names?.kind && names.kind === names.listKind) {
    errors.push(invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'));
  }
}

function checkConversion(errors: FieldError[], object: CustomResourceDefinition): void {
  const { strategy, webhook } = object.spec.conversion ?? { strategy: '' };
  const path = 'spec.conversion';
  if (!strategy) errors.push(required(`${path}.strategy`));
  else if (!strategies.includes(strategy)) errors.push(notSupported(`${path}.strategy`, strategy, strategies));
  if (strategy === 'Webhook') {
    const client = webhook?.clientConfig;
    if (!client) errors.push(required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'));
    else if ((client.url === undefined) === (client.service === undefined)) {
      errors.push(required(`${path}.webhookClientConfig`, 'exactly one of url or service is required'));
    }
    if (!webhook?.conversionReviewVersions?.length) errors.push(required(`${path}.conversionReviewVersions`));
  } else if (webhook) {
    const detail = 'should not be set when strategy is not set to Webhook';
    errors.push({ reason: 'FieldValueForbidden', field: `${path}.webhook`, message: `Forbidden: ${detail}` });
  }
}

/** Scope, group and names stay once the kind is served. */
export function validateDefinitionUpdate(
  object: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  const errors = validateDefinition(object);
  const served = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  const fixed: [string, unknown, unknown][] = [['spec.group', object.spec.group, old.spec.group]];
  if (served) {
    fixed.push(
      ['spec.scope', object.spec.scope, old.spec.scope],
      ['spec.names.kind', object.spec.names?.kind, old.spec.names?.kind],
    );
  }
  fixed.push(['spec.names.plural', object.spec.names?.plural, old.spec.names?.plural]);
  for (const [path, now, before] of fixed) if (now !== before) errors.push(invalid(path, now, immutableMessage));
  const versions = new Set(object.spec.versions?.map(version => version.name));
  eachAt('status.storedVersions', old.status?.storedVersions, (at, name) => {
    if (versions.has(name)) return;
    const detail =
      'missing from spec.versions; ' +
      `${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(invalid(at, name, detail));
  });
  return errors;
}
