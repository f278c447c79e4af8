import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { FlowSchema } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

const defaultPrecedence = 1000;
const highestPrecedence = 10_000;
const methods: readonly string[] = ['ByNamespace', 'ByUser'];
const subjectMembers: Readonly<Record<string, 'user' | 'group' | 'serviceAccount'>> = {
  Group: 'group',
  ServiceAccount: 'serviceAccount',
  User: 'user',
};

function validate(object: FlowSchema): FieldError[] {
  const errors: FieldError[] = [];
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules } = object.spec;
  if (matchingPrecedence <= 0) {
    errors.push(invalid('spec.matchingPrecedence', matchingPrecedence, 'must be a positive value'));
  }
  if (matchingPrecedence > highestPrecedence) {
    const detail = `must not be greater than ${highestPrecedence}`;
    errors.push(invalid('spec.matchingPrecedence', matchingPrecedence, detail));
  }
  if (matchingPrecedence === 1 && object.metadata.name !== 'exempt') {
    errors.push(
      invalid(
        'spec.matchingPrecedence',
        matchingPrecedence,
        "only the schema named 'exempt' may have matchingPrecedence 1",
      ),
    );
  }
  const method = distinguisherMethod?.type;
  if (distinguisherMethod && !methods.includes(method ?? '')) {
    errors.push(notSupported('spec.distinguisherMethod', distinguisherMethod, methods));
  }
  const level = priorityLevelConfiguration?.name;
  if (!level) errors.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'));
  else pushInvalid(errors, 'spec.priorityLevelConfiguration.name', level, checkSubdomain(level));
  eachAt('spec.rules', rules, (at, rule) => {
    if (!rule.subjects?.length) errors.push(required(`${at}.subjects`, 'subjects must contain at least one value'));
    eachAt(`${at}.subjects`, rule.subjects, (path, subject) => {
      const member = subjectMembers[subject.kind];
      if (!member) errors.push(notSupported(`${path}.kind`, subject.kind, Object.keys(subjectMembers)));
      else if (!subject[member])
        errors.push(required(`${path}.${member}`, `${member} is required when subject kind is '${subject.kind}'`));
    });
    if (!rule.resourceRules?.length && !rule.nonResourceRules?.length) {
      errors.push(required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
    }
    eachAt(
      `${at}.resourceRules`,
      rule.resourceRules,
      (path, { verbs, apiGroups, resources, namespaces, clusterScope }) => {
        if (!verbs?.length) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
        if (!apiGroups?.length) {
          errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
        }
        if (!resources?.length) {
          errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
        }
        if (!namespaces?.length && !clusterScope) {
          const detail = 'resource rules that are not cluster scoped must supply at least one namespace';
          errors.push(required(`${path}.namespaces`, detail));
        }
      },
    );
  });
  return errors;
}

export const flowSchema: KindBehaviour<FlowSchema> = {
  defaults(draft) {
    draft.spec.matchingPrecedence ||= defaultPrecedence;
  },
  ...specStrategy<FlowSchema>(),
  validateCreate: validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    text('PriorityLevel', 'Level that its requests get.', o => o.spec.priorityLevelConfiguration.name),
    text('MatchingPrecedence', 'The lower, the sooner it is tried.', o => o.spec.matchingPrecedence ?? 0),
    text('DistinguisherMethod', 'How its requests are told apart.', o => o.spec.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    text('MissingPL', 'references a broken or non-existent PriorityLevelConfiguration', o => {
      return o.status?.conditions?.find(condition => condition.type === 'Dangling')?.status ?? '?';
    }),
  ],
};
