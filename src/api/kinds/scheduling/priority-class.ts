import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { PriorityClass } from '../../types.ts';
import { ageColumn, count, flag, nameColumn, text } from '../columns.ts';
import { forbidden, immutableMessage, invalid, notSupported } from '../field-error.ts';

/** The highest value that users may give. */
const highestUserPriority = 1_000_000_000;
const systemPrefix = 'system-';
const systemClasses: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};
const policies: readonly string[] = ['PreemptLowerPriority', 'Never'];

function validateCreate(object: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  const value = object.value ?? 0;
  const { name } = object.metadata;
  if (name.startsWith(systemPrefix)) {
    if (systemClasses[name] !== value || object.globalDefault) {
      const detail = `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: `;
      const reason =
        systemClasses[name] === undefined
          ? `${name} is not a known system priority class`
          : systemClasses[name] === value
            ? `globalDefault of ${name} PriorityClass must be false`
            : `value of ${name} PriorityClass must be ${systemClasses[name]}`;
      errors.push(forbidden('metadata.name', detail + reason));
    }
  } else if (value > highestUserPriority) {
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`));
  }
  const policy = object.preemptionPolicy;
  if (policy !== undefined && !policies.includes(policy)) {
    errors.push(notSupported('preemptionPolicy', policy, policies));
  }
  return errors;
}

export const priorityClass: KindBehaviour<PriorityClass> = {
  shortNames: ['pc'],
  defaults(draft) {
    draft.preemptionPolicy ??= 'PreemptLowerPriority';
    draft.value ??= 0;
  },
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  validateCreate,
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (object.value !== old.value) errors.push(forbidden('value', 'may not be changed in an update.'));
    if (object.preemptionPolicy !== old.preemptionPolicy) {
      errors.push(invalid('preemptionPolicy', object.preemptionPolicy, immutableMessage));
    }
    return errors;
  },
  columns: [
    nameColumn,
    count('Value', 'The higher, the sooner.', o => o.value),
    flag('Global-Default', 'True for the class of pods that name none.', o => o.globalDefault),
    ageColumn,
    text('PreemptionPolicy', 'Whether it pushes others out.', o => o.preemptionPolicy ?? ''),
  ],
};
