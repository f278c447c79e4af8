import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { IngressClass, IngressClassParametersReference } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { checkDomainPath } from '../domain-path.ts';
import { forbidden, immutableMessage, invalid, notSupported, pushInvalid, required, tooLong } from '../field-error.ts';
import { checkLabel, checkPathSegment, checkSubdomain } from '../name-rules.ts';

const scopes: readonly string[] = ['Cluster', 'Namespace'];
const maxControllerBytes = 250;

function validate(object: IngressClass): FieldError[] {
  const errors: FieldError[] = [];
  const { controller, parameters } = object.spec ?? {};
  const path = 'spec.controller';
  if (controller && controller.length > maxControllerBytes) errors.push(tooLong(path, maxControllerBytes));
  checkDomainPath(errors, path, controller ?? '');
  if (parameters) checkParameters(errors, 'spec.parameters', parameters);
  return errors;
}

function checkParameters(errors: FieldError[], path: string, parameters: IngressClassParametersReference): void {
  const { apiGroup, scope, namespace } = parameters;
  if (apiGroup != null) pushInvalid(errors, `${path}.apiGroup`, apiGroup, checkSubdomain(apiGroup));
  for (const field of ['kind', 'name'] as const) {
    const value = parameters[field];
    if (!value) errors.push(required(`${path}.${field}`));
    else pushInvalid(errors, `${path}.${field}`, value, checkPathSegment(value));
  }
  if (scope === undefined) errors.push(required(`${path}.scope`));
  else if (!scopes.includes(scope)) errors.push(notSupported(`${path}.scope`, scope, scopes));
  else if (scope === 'Namespace') {
    if (namespace === undefined) {
      errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
    } else pushInvalid(errors, `${path}.namespace`, namespace, checkLabel(namespace));
  } else if (namespace !== undefined) {
    errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  }
}

function formatParameters(object: IngressClass): string {
  const parameters = object.spec?.parameters;
  if (!parameters) return '<none>';
  const kind = parameters.apiGroup == null ? parameters.kind : `${parameters.kind}.${parameters.apiGroup}`;
  return `${kind}/${parameters.name}`;
}

export const ingressClass: KindBehaviour<IngressClass> = {
  defaults(draft) {
    if (draft.spec?.parameters) draft.spec.parameters.scope ??= 'Cluster';
  },
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: validate,
  validateUpdate(object, old) {
    const isSame = object.spec?.controller === old.spec?.controller;
    const errors = isSame ? [] : [invalid('spec.controller', object.spec?.controller ?? '', immutableMessage)];
    return [...errors, ...validate(object)];
  },
  columns: [
    nameColumn,
    text('Controller', 'Controller that is responsible for handling this class', o => o.spec?.controller ?? ''),
    text('Parameters', 'A reference to a resource with additional parameters', formatParameters),
    ageColumn,
  ],
};
