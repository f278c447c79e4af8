import type { FieldError } from '../kind.ts';
import type { Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm } from '../types.ts';
import { forbidden, invalid, pushInvalid, required } from './field-error.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkLabel, checkLabelValue, checkQualifiedName, checkSubdomain } from './name-rules.ts';
import { eachAt } from './paths.ts';

const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferredTerms = 'preferredDuringSchedulingIgnoredDuringExecution';
const badOperator = 'not a valid selector operator';

/** What a pod wishes of its node and its neighbours. */
export function checkAffinity(errors: FieldError[], path: string, affinity: Affinity | undefined): void {
  if (!affinity) return;
  const node = affinity.nodeAffinity;
  if (node?.[requiredTerms]) checkNodeSelector(errors, `${path}.nodeAffinity.${requiredTerms}`, node[requiredTerms]);
  eachAt(`${path}.nodeAffinity.${preferredTerms}`, node?.[preferredTerms], (at, term) => {
    checkWeight(errors, at, term.weight);
    checkNodeTerm(errors, `${at}.preference`, { term: term.preference, values: false });
  });
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    eachAt(`${path}.${kind}.${requiredTerms}`, affinity[kind]?.[requiredTerms], (at, term) => {
      checkPodTerm(errors, at, term);
    });
    eachAt(`${path}.${kind}.${preferredTerms}`, affinity[kind]?.[preferredTerms], (at, term) => {
      checkWeight(errors, at, term.weight);
      checkPodTerm(errors, `${at}.podAffinityTerm`, term.podAffinityTerm);
    });
  }
}

function checkWeight(errors: FieldError[], path: string, weight: number): void {
  if (weight <= 0 || weight > 100) errors.push(invalid(`${path}.weight`, weight, 'must be in the range 1-100'));
}

/** Terms over labels and fields of nodes; also of volumes. */
export function checkNodeSelector(errors: FieldError[], path: string, selector: NodeSelector): void {
  const at = `${path}.nodeSelectorTerms`;
  if (!selector.nodeSelectorTerms?.length) {
    errors.push(required(at, 'must have at least one node selector term'));
    return;
  }
  eachAt(at, selector.nodeSelectorTerms, (termPath, term) => checkNodeTerm(errors, termPath, { term, values: true }));
}

function checkNodeTerm(
  errors: FieldError[],
  path: string,
  { term, values }: { term: NodeSelectorTerm; values: boolean },
): void {
  eachAt(`${path}.matchExpressions`, term.matchExpressions, (at, requirement) => {
    checkNodeRequirement(errors, at, { requirement, values });
  });
  eachAt(`${path}.matchFields`, term.matchFields, (at, requirement) => checkNodeField(errors, at, requirement));
}

function checkNodeRequirement(
  errors: FieldError[],
  path: string,
  { requirement, values }: { requirement: NodeSelectorRequirement; values: boolean },
): void {
  const count = requirement.values?.length ?? 0;
  const { operator = '' } = requirement;
  if (operator === 'In' || operator === 'NotIn') {
    if (count === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (count > 0) {
      errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (count !== 1) {
      errors.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    }
  } else errors.push(invalid(`${path}.operator`, operator, badOperator));
  pushInvalid(errors, `${path}.key`, requirement.key, checkQualifiedName(requirement.key));
  if (!values) return;
  eachAt(`${path}.values`, requirement.values, (at, value) => pushInvalid(errors, at, value, checkLabelValue(value)));
}

function checkNodeField(errors: FieldError[], path: string, requirement: NodeSelectorRequirement): void {
  const { operator = '', key } = requirement;
  if (operator !== 'In' && operator !== 'NotIn') errors.push(invalid(`${path}.operator`, operator, badOperator));
  else if (requirement.values?.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(`${path}.values`, detail));
  }
  if (key !== 'metadata.name') errors.push(invalid(`${path}.key`, key, 'not a valid field selector key'));
  else {
    eachAt(`${path}.values`, requirement.values, (at, value) => pushInvalid(errors, at, value, checkSubdomain(value)));
  }
}

function checkPodTerm(errors: FieldError[], path: string, term: PodAffinityTerm): void {
  checkLabelSelector(errors, `${path}.labelSelector`, term.labelSelector);
  checkLabelSelector(errors, `${path}.namespaceSelector`, term.namespaceSelector);
  for (const name of term.namespaces ?? []) pushInvalid(errors, `${path}.namespace`, name, checkLabel(name));
  checkMatchKeys(errors, path, term);
  if (!term.topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  pushInvalid(errors, `${path}.topologyKey`, term.topologyKey, checkQualifiedName(term.topologyKey));
}

function checkMatchKeys(errors: FieldError[], path: string, term: PodAffinityTerm): void {
  for (const field of ['matchLabelKeys', 'mismatchLabelKeys'] as const) {
    const keys = term[field];
    if (keys?.length && !term.labelSelector) {
      errors.push(forbidden(`${path}.${field}`, 'must not be specified when labelSelector is not set'));
    }
    eachAt(`${path}.${field}`, keys, (at, key) => pushInvalid(errors, at, key, checkQualifiedName(key)));
  }
  eachAt(`${path}.matchLabelKeys`, term.matchLabelKeys, (at, key) => {
    if (term.mismatchLabelKeys?.includes(key)) {
      errors.push(invalid(at, key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
    }
  });
}
