import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { APIService } from '../../types.ts';
import { keepAllButStatus, keepMetadata, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { invalid, pushInvalid, required } from '../field-error.ts';
import { checkLabel1035, checkSubdomain } from '../name-rules.ts';

const mostGroupPriority = 20_000;
const mostVersionPriority = 1000;

function validate(object: APIService): FieldError[] {
  const errors: FieldError[] = [];
  const {
    group = '',
    version = '',
    groupPriorityMinimum,
    versionPriority,
    service,
    insecureSkipTLSVerify,
    caBundle,
  } = object.spec ?? {};
  const expected = `${version}.${group}`;
  if (object.metadata.name !== expected) {
    errors.push(
      invalid(
        'metadata.name',
        object.metadata.name,
        `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`,
      ),
    );
  }
  if (!group) {
    if (version !== 'v1')
      errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  } else pushInvalid(errors, 'spec.group', group, checkSubdomain(group));
  pushInvalid(errors, 'spec.version', version, checkLabel1035(version));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > mostGroupPriority) {
    const detail = `must be positive and less than ${mostGroupPriority}`;
    errors.push(invalid('spec.groupPriorityMinimum', groupPriorityMinimum, detail));
  }
  if (versionPriority <= 0 || versionPriority > mostVersionPriority) {
    const detail = `must be positive and less than ${mostVersionPriority}`;
    errors.push(invalid('spec.versionPriority', versionPriority, detail));
  }
  if (!service) {
    if (caBundle)
      errors.push(invalid('spec.caBundle', `${caBundle.length} bytes`, 'local APIServices may not have a caBundle'));
    if (insecureSkipTLSVerify) {
      const detail = 'local APIServices may not have insecureSkipTLSVerify';
      errors.push(invalid('spec.insecureSkipTLSVerify', true, detail));
    }
    return errors;
  }
  for (const field of ['namespace', 'name'] as const)
    if (!service[field]) errors.push(required(`spec.service.${field}`));
  const port = service.port ?? 443;
  if (port < 1 || port > 65535) {
    errors.push(invalid('spec.service.port', port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
  if (insecureSkipTLSVerify && caBundle) {
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  }
  return errors;
}

function formatAvailable(object: APIService): string {
  const condition = object.status?.conditions?.find(({ type }) => type === 'Available');
  if (!condition) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

export const apiService: KindBehaviour<APIService> = {
  categories: ['api-extensions'],
  nameRule: 'path',
  defaults(draft) {
    if (draft.spec?.service) draft.spec.service.port ??= 443;
  },
  prepareCreate(draft) {
    draft.status = draft.spec?.service ? {} : { conditions: [localCondition(draft)] };
  },
  prepareUpdate: keepStatus,
  prepareSubresource(draft, old) {
    keepAllButStatus(draft, old);
    keepMetadata(draft, old);
  },
  validateCreate: validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    text('Service', 'The reference to the service that hosts this API endpoint.', o =>
      o.spec?.service ? `${o.spec.service.namespace}/${o.spec.service.name}` : 'Local',
    ),
    text('Available', 'Whether this service is available.', formatAvailable),
    ageColumn,
  ],
  unconditionalUpdate: false,
};

function localCondition(object: APIService) {
  const base = {
    type: 'Available',
    status: 'True',
    reason: 'Local',
    message: 'Local APIServices are always available',
  };
  const time = object.metadata.creationTimestamp;
  return time ? { ...base, lastTransitionTime: time } : base;
}
