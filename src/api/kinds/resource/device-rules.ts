import type { FieldError } from '../../kind.ts';
import type { Counter, CounterSet, Device, DeviceAttribute } from '../../types.ts';
import { checkNodeSelector } from '../affinity.ts';
import { semanticallyEqual } from '../equality.ts';
import { invalid, pushInvalid, required, tooLong, tooMany } from '../field-error.ts';
import { checkLabel, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkCapacity } from './capacity-policy.ts';
import {
  maxAttributesAndCapacities,
  maxAttributeText,
  maxAttributeValues,
  maxCounterConsumptions,
  maxCounters,
  maxTaints,
} from './device-limits.ts';
import { checkBindingConditions, checkDeviceKey, eachUnique } from './device-names.ts';
import { checkDeviceTaint } from './device-taints.ts';

export interface DeviceRule {
  readonly device: Device;
  /** As it was; what has not changed is not judged again. */
  readonly old: Device | undefined;
  /** The slice's perDeviceNodeSelection. */
  readonly ownNodes: boolean;
}

/** One device of a slice. Source: validateDevice. */
export function checkDevice(errors: FieldError[], path: string, { device, old, ownNodes }: DeviceRule): void {
  pushInvalid(errors, `${path}.name`, device.name, checkLabel(device.name));
  checkSizes(errors, path, device);
  for (const [name, attribute] of Object.entries(device.attributes ?? {})) {
    checkDeviceKey(errors, `${path}.attributes`, name);
    checkAttribute(errors, `${path}.attributes[${name}]`, attribute);
  }
  if (!semanticallyEqual(old?.capacity, device.capacity)) {
    const shared = device.allowMultipleAllocations === true;
    for (const [name, capacity] of Object.entries(device.capacity ?? {})) {
      checkDeviceKey(errors, `${path}.capacity`, name);
      checkCapacity(errors, `${path}.capacity[${name}]`, { capacity, shared });
    }
  }
  const { taints = [] } = device;
  if (!semanticallyEqual(old?.taints, device.taints)) {
    if (taints.length > maxTaints) errors.push(tooMany(`${path}.taints`, taints.length, maxTaints));
    else eachAt(`${path}.taints`, taints, (at, taint) => checkDeviceTaint(errors, at, taint));
  }
  eachUnique(errors, `${path}.consumesCounters`, {
    list: device.consumesCounters,
    max: maxCounterConsumptions,
    keyOf: ({ counterSet }) => counterSet,
    check: (at, { counterSet, counters }) =>
      checkCounters(errors, at, { nameField: 'counterSet', name: counterSet, counters }),
  });
  checkNodes(errors, path, { device, ownNodes });
  checkBindingConditions(errors, path, device);
}

function checkSizes(errors: FieldError[], path: string, { attributes = {}, capacity = {} }: Device): void {
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  if (count > maxAttributesAndCapacities) {
    const detail = `the total number of attributes and capacities must not exceed ${maxAttributesAndCapacities}`;
    errors.push(invalid(path, count, detail));
  }
  const lists = Object.values(attributes).map(({ bools = [], ints = [], strings = [], versions = [] }) =>
    Math.max(1, bools.length + ints.length + strings.length + versions.length),
  );
  const values = lists.reduce((sum, length) => sum + length, 0);
  if (values > maxAttributeValues) {
    errors.push(invalid(path, values, `the total number of attribute values must not exceed ${maxAttributeValues}`));
  }
}

const number = '(0|[1-9]\\d*)';
const preRelease = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const build = '[0-9a-zA-Z-]+';
const semver = new RegExp(
  `^${number}\\.${number}\\.${number}(-${preRelease}(\\.${preRelease})*)?(\\+${build}(\\.${build})*)?$`,
);

function checkAttribute(errors: FieldError[], path: string, attribute: DeviceAttribute): void {
  const checkText = (at: string, value: string) => {
    if (value.length > maxAttributeText) errors.push(tooLong(at, maxAttributeText));
  };
  const checkVersion = (at: string, value: string) => {
    // Long ones are not matched: the pattern goes back and forth.
    const isRight = value.length <= 4 * maxAttributeText && semver.test(value);
    if (!isRight) errors.push(invalid(at, value, 'must be a string compatible with semver.org spec 2.0.0'));
    checkText(at, value);
  };
  const { string: text, version, strings, versions } = attribute;
  if (text !== undefined) checkText(`${path}.string`, text);
  if (version !== undefined) checkVersion(`${path}.version`, version);
  for (const part of ['bools', 'ints', 'strings', 'versions'] as const) {
    if (attribute[part]?.length === 0) errors.push(invalid(`${path}.${part}`, [], 'must not be empty if specified'));
  }
  eachAt(`${path}.strings`, strings, checkText);
  eachAt(`${path}.versions`, versions, checkVersion);
  const given = Object.values(attribute).filter(value => value !== undefined).length;
  if (given !== 1) errors.push(invalid(path, given === 0 ? '' : attribute, 'exactly one value must be specified'));
}

export function checkCounterSet(errors: FieldError[], path: string, { name, counters }: CounterSet): void {
  checkCounters(errors, path, { nameField: 'name', name, counters });
}

function checkCounters(
  errors: FieldError[],
  path: string,
  about: { nameField: string; name: string; counters: Readonly<Record<string, Counter>> | undefined },
): void {
  const { nameField, name, counters } = about;
  if (name) pushInvalid(errors, `${path}.${nameField}`, name, checkLabel(name));
  else errors.push(required(`${path}.${nameField}`));
  const keys = Object.keys(counters ?? {});
  if (keys.length === 0) errors.push(required(`${path}.counters`));
  else if (keys.length > maxCounters) errors.push(tooMany(`${path}.counters`, keys.length, maxCounters));
  else for (const key of keys) pushInvalid(errors, `${path}.counters`, key, checkLabel(key));
}

function checkNodes(
  errors: FieldError[],
  path: string,
  { device, ownNodes }: { device: Device; ownNodes: boolean },
): void {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!ownNodes) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return;
    const when = 'can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    return void errors.push(invalid(path, undefined, `\`nodeName\`, \`nodeSelector\` and \`allNodes\` ${when}`));
  }
  const given: string[] = [];
  if (nodeName) {
    given.push('`nodeName`');
    pushInvalid(errors, `${path}.nodeName`, nodeName, checkSubdomain(nodeName));
  } else if (nodeName !== undefined) errors.push(invalid(`${path}.nodeName`, nodeName, 'must not be empty'));
  if (nodeSelector) {
    given.push('`nodeSelector`');
    checkNodeSelector(errors, `${path}.nodeSelector`, nodeSelector);
  }
  if (allNodes) given.push('`allNodes`');
  else if (allNodes !== undefined) {
    errors.push(invalid(`${path}.allNodes`, allNodes, 'must be either unset or set to true'));
  }
  const when = 'is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  const detail = `exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` ${when}`;
  if (given.length === 0) errors.push(required(path, detail));
  else if (given.length > 1) errors.push(invalid(path, `{${given.join(', ')}}`, detail));
}
