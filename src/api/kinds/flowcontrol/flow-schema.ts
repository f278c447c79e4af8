import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { FlowSchema } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { checkConditionTypes } from '../conditions.ts';
import { semanticallyEqual } from '../equality.ts';
import { invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkFlowRule } from './flow-rules.ts';
import { flowStrategy } from './flow-strategy.ts';
import { mandatorySchemas } from './mandatory.ts';

const defaultPrecedence = 1000;
const highestPrecedence = 10_000;
const methods: readonly string[] = ['ByNamespace', 'ByUser'];

/** Source: pkg/apis/flowcontrol/validation ValidateFlowSchema. */
function validate({ metadata, spec, status }: FlowSchema): FieldError[] {
  const errors: FieldError[] = [];
  const { distinguisherMethod, priorityLevelConfiguration, rules } = spec;
  checkPrecedence(errors, metadata.name, spec.matchingPrecedence ?? 0);
  if (distinguisherMethod && !methods.includes(distinguisherMethod.type)) {
    errors.push(notSupported('spec.distinguisherMethod.type', distinguisherMethod, methods));
  }
  const level = priorityLevelConfiguration?.name;
  if (!level) errors.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'));
  else pushInvalid(errors, 'spec.priorityLevelConfiguration.name', level, checkSubdomain(level));
  eachAt('spec.rules', rules, (at, rule) => {
    checkFlowRule(errors, at, rule);
  });
  const mandatory = mandatorySchemas[metadata.name];
  if (mandatory && !semanticallyEqual(spec, mandatory)) {
    errors.push(invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`));
  }
  checkConditionTypes(errors, 'status.conditions', status?.conditions);
  return errors;
}

function checkPrecedence(errors: FieldError[], name: string, precedence: number): void {
  const path = 'spec.matchingPrecedence';
  if (precedence <= 0) errors.push(invalid(path, precedence, 'must be a positive value'));
  if (precedence > highestPrecedence) {
    errors.push(invalid(path, precedence, `must not be greater than ${highestPrecedence}`));
  }
  if (precedence === 1 && name !== 'exempt') {
    errors.push(invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
}

export const flowSchema: KindBehaviour<FlowSchema> = {
  defaults(draft) {
    draft.spec.matchingPrecedence ||= defaultPrecedence;
  },
  ...flowStrategy<FlowSchema>(),
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
