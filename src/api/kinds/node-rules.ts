import type { FieldError } from '../kind.ts';
import type { Node, Taint } from '../types.ts';
import { checkCidr } from './addresses.ts';
import { semanticallyEqual } from './equality.ts';
import { duplicate, forbidden, invalid, notSupported, pushInvalid, required } from './field-error.ts';
import { checkLabelValue, checkQualifiedName } from './name-rules.ts';
import { eachAt } from './paths.ts';
import { checkAmount } from './resources.ts';

const taintEffects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** What a node must be: distinct taints, at most one pod range of a family. */
export function validateNode(node: Node): FieldError[] {
  const errors: FieldError[] = [];
  checkTaints(errors, node.spec?.taints);
  checkStatus(errors, node);
  checkRanges(errors, node);
  return errors;
}

function checkRanges(errors: FieldError[], node: Node): void {
  const ranges = node.spec?.podCIDRs ?? [];
  eachAt('spec.podCIDRs', ranges, (path, range) => checkCidr(errors, path, range));
  const families = new Set(ranges.map(range => range.includes(':')));
  if (ranges.length > 1 && (ranges.length > 2 || families.size !== 2)) {
    errors.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
  }
}

const featureForm = /^[A-Z][a-zA-Z0-9]*(?:\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const maxFeatureLength = 253;

/** What a node has and what it can do. */
function checkStatus(errors: FieldError[], { status }: Node): void {
  for (const part of ['capacity', 'allocatable'] as const) {
    for (const [name, value] of Object.entries(status?.[part] ?? {})) {
      checkAmount(errors, `status.${part}.${name}`, { name, value });
    }
  }
  const path = 'status.declaredFeatures';
  const features = status?.declaredFeatures ?? [];
  features.forEach((feature, index) => {
    const problem = describeFeatureProblem(feature);
    if (problem) errors.push(invalid(`${path}[${index}]`, feature, problem));
    const next = features[index + 1];
    if (next === undefined) return;
    if (next === feature) errors.push(duplicate(`${path}[${index + 1}]`, next));
    else if (feature > next) errors.push(invalid(`${path}[${index + 1}]`, next, 'list must be sorted alphabetically'));
  });
}

function describeFeatureProblem(feature: string): string | undefined {
  const what = `invalid feature name ${JSON.stringify(feature)}`;
  if (feature.length > maxFeatureLength) return `${what}: must be no more than ${maxFeatureLength} characters`;
  if (featureForm.test(feature)) return undefined;
  const form =
    "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
  return `${what}: ${form}`;
}

/** What stays as it was once it is set: pod ranges and provider. */
export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = [];
  checkRanges(errors, node);
  return [...errors, ...validateNodeStatus(node, old)];
}

export function validateNodeStatus(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = [];
  checkStatus(errors, node);
  checkAddresses(errors, node);
  if (old.spec?.podCIDRs?.length && !semanticallyEqual(old.spec.podCIDRs, node.spec?.podCIDRs)) {
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec?.providerID && old.spec.providerID !== node.spec?.providerID) {
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  checkTaints(errors, node.spec?.taints);
  if ((node.spec?.externalID ?? '') !== (old.spec?.externalID ?? '')) {
    errors.push(forbidden('spec.externalID', 'may not be updated'));
  }
  return errors;
}

function checkAddresses(errors: FieldError[], node: Node): void {
  const seen = new Set<string>();
  (node.status?.addresses ?? []).forEach((address, index) => {
    const key = `${address.type}/${address.address}`;
    if (seen.has(key)) errors.push(duplicate(`status.addresses[${index}]`, address));
    seen.add(key);
  });
}

/** Upstream reports taints under `metadata.taints`; so do we. */
function checkTaints(errors: FieldError[], taints: readonly Taint[] | undefined): void {
  const seen = new Set<string>();
  (taints ?? []).forEach((taint, index) => {
    const path = `metadata.taints[${index}]`;
    pushInvalid(errors, `${path}.key`, taint.key, checkQualifiedName(taint.key));
    const value = taint.value ?? '';
    const messages = checkLabelValue(value);
    if (messages.length > 0) errors.push(invalid(`${path}.value`, value, messages.join(';')));
    if (!taint.effect) errors.push(required(`${path}.effect`));
    else if (!taintEffects.includes(taint.effect)) {
      errors.push(notSupported(`${path}.effect`, taint.effect, taintEffects));
    }
    const key = `${taint.effect}/${taint.key}`;
    if (seen.has(key)) {
      const error = duplicate(path, taint);
      errors.push({ ...error, message: `${error.message}: taints must be unique by key and effect pair` });
    }
    seen.add(key);
  });
}
