import type { FieldError } from '../kind.ts';
import type { Toleration, TopologySpreadConstraint } from '../types.ts';
import { duplicate, forbidden, invalid, notSupported, pushInvalid, required } from './field-error.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkLabelValue, checkQualifiedName } from './name-rules.ts';
import { eachAt } from './paths.ts';

export const taintEffects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const tolerationOperators: readonly string[] = ['Equal', 'Exists'];
const spreadActions: readonly string[] = ['DoNotSchedule', 'ScheduleAnyway'];
const inclusionPolicies: readonly string[] = ['Honor', 'Ignore'];

/** Which taints a pod bears. */
export function checkTolerations(
  errors: FieldError[],
  path: string,
  tolerations: readonly Toleration[] | undefined,
): void {
  eachAt(path, tolerations, (at, { key = '', operator = '', value = '', effect = '', tolerationSeconds }) => {
    if (key) pushInvalid(errors, `${at}.key`, key, checkQualifiedName(key));
    else if (operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(`${at}.operator`, operator, detail));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(invalid(`${at}.effect`, effect, detail));
    }
    if (operator === 'Equal' || operator === '') {
      const messages = checkLabelValue(value);
      if (messages.length > 0) errors.push(invalid(`${at}.operator`, value, messages.join(';')));
    } else if (operator === 'Exists') {
      if (value) errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else errors.push(notSupported(`${at}.operator`, operator, tolerationOperators));
    if (effect && !taintEffects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, taintEffects));
  });
}

/** How pods spread over zones and nodes. */
export function checkTopologySpread(
  errors: FieldError[],
  path: string,
  constraints: readonly TopologySpreadConstraint[] | undefined,
): void {
  eachAt(path, constraints, (at, constraint, index) => {
    const action = constraint.whenUnsatisfiable ?? '';
    checkPositive(errors, `${at}.maxSkew`, constraint.maxSkew);
    if (!constraint.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    if (!spreadActions.includes(action)) errors.push(notSupported(`${at}.whenUnsatisfiable`, action, spreadActions));
    const repeated = constraints
      ?.slice(index + 1)
      .some(other => other.topologyKey === constraint.topologyKey && other.whenUnsatisfiable === action);
    if (repeated) {
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${constraint.topologyKey}, ${action}}`));
    }
    if (constraint.minDomains !== undefined) {
      checkPositive(errors, `${at}.minDomains`, constraint.minDomains);
      if (action !== 'DoNotSchedule') {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`;
        errors.push(invalid(`${at}.minDomains`, constraint.minDomains, detail));
      }
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[field];
      if (policy !== undefined && !inclusionPolicies.includes(policy)) {
        errors.push(notSupported(`${at}.${field}`, policy, inclusionPolicies));
      }
    }
    checkMatchKeys(errors, `${at}.matchLabelKeys`, constraint);
    checkLabelSelector(errors, `${at}.labelSelector`, constraint.labelSelector);
  });
}

function checkMatchKeys(errors: FieldError[], path: string, constraint: TopologySpreadConstraint): void {
  if (!constraint.matchLabelKeys?.length) return;
  const selector = constraint.labelSelector;
  if (!selector) errors.push(forbidden(path, 'must not be specified when labelSelector is not set'));
  const expressions = selector?.matchExpressions ?? [];
  eachAt(path, constraint.matchLabelKeys, (at, key) => {
    pushInvalid(errors, at, key, checkQualifiedName(key));
    // The server merges these keys into the selector when it stores the pod, so only a second requirement of a user is a conflict.
    if (expressions.filter(expression => expression.key === key).length > 1) {
      errors.push(invalid(at, key, 'exists in both matchLabelKeys and labelSelector'));
    }
  });
}

function checkPositive(errors: FieldError[], path: string, value: number | undefined): void {
  if (value === undefined || value <= 0) errors.push(invalid(path, value ?? 0, 'must be greater than zero'));
}
