import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { PodDisruptionBudget } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { checkConditions } from '../conditions.ts';
import { checkNonNegative, invalid, notSupported } from '../field-error.ts';
import { checkAtMostAll, checkIntOrPercent } from '../int-or-percent.ts';
import { checkLabelSelector } from '../label-selector.ts';

const evictionPolicies: readonly string[] = ['AlwaysAllow', 'IfHealthyBudget'];

function validate(object: PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = [];
  const spec = object.spec ?? {};
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[field];
    if (value === undefined) continue;
    checkIntOrPercent(errors, `spec.${field}`, value);
    checkAtMostAll(errors, `spec.${field}`, value);
  }
  checkLabelSelector(errors, 'spec.selector', spec.selector);
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && !evictionPolicies.includes(policy)) {
    errors.push(notSupported('spec.unhealthyPodEvictionPolicy', policy, evictionPolicies));
  }
  return errors;
}

const counters = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

export const podDisruptionBudget: KindBehaviour<PodDisruptionBudget> = {
  shortNames: ['pdb'],
  ...specStrategy<PodDisruptionBudget>(),
  validateCreate: validate,
  validateUpdate: validate,
  validateSubresource(object) {
    const errors: FieldError[] = [];
    checkConditions(errors, 'status.conditions', object.status?.conditions);
    for (const field of counters) checkNonNegative(errors, `status.${field}`, object.status?.[field]);
    return errors;
  },
  columns: [
    nameColumn,
    text('Min Available', 'The minimum number of pods that must be available.', o =>
      String(o.spec?.minAvailable ?? 'N/A'),
    ),
    text('Max Unavailable', 'The maximum number of pods that may be unavailable.', o =>
      String(o.spec?.maxUnavailable ?? 'N/A'),
    ),
    count(
      'Allowed Disruptions',
      'Calculated number of pods that may be disrupted at this time.',
      o => o.status?.disruptionsAllowed,
    ),
    ageColumn,
  ],
  unconditionalUpdate: false,
};
