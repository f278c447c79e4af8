import { formatTime } from '#base';
import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ResourceSlice, ResourceSliceSpec } from '../../types.ts';
import { checkNodeSelector } from '../affinity.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { immutableMessage, invalid, pushInvalid, required } from '../field-error.ts';
import { checkSubdomain } from '../name-rules.ts';
import { checkDriverName } from '../volumes.ts';
import { maxAdvancedDevices, maxCounterSets, maxDevices } from './device-limits.ts';
import { checkPoolName, eachUnique } from './device-names.ts';
import { checkCounterSet, checkDevice } from './device-rules.ts';

/** The server notes when a taint came, where its driver does not. */
function noteTaints({ spec }: ResourceSlice, nowMs: number): void {
  for (const { taints } of spec?.devices ?? []) {
    for (const taint of taints ?? []) taint.timeAdded ??= formatTime(nowMs);
  }
}

function validate({ spec }: ResourceSlice, old?: ResourceSlice): FieldError[] {
  const errors: FieldError[] = [];
  checkDriverName(errors, 'spec.driver', spec.driver);
  checkPoolName(errors, 'spec.pool.name', spec.pool?.name);
  const { resourceSliceCount = 0, generation = 0 } = spec.pool ?? {};
  if (resourceSliceCount <= 0) {
    errors.push(invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero'));
  }
  if (generation < 0) {
    errors.push(invalid('spec.pool.generation', generation, 'must be greater than or equal to zero'));
  }
  if (old) checkUnchanged(errors, spec, old.spec);
  checkNodes(errors, spec);
  if (spec.sharedCounters && spec.devices) {
    errors.push(invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'));
  }
  const before = new Map((old?.spec.devices ?? []).map(device => [device.name, device]));
  const ownNodes = spec.perDeviceNodeSelection === true;
  eachUnique(errors, 'spec.devices', {
    list: spec.devices,
    max: isAdvanced(spec) ? maxAdvancedDevices : maxDevices,
    keyOf: ({ name }) => name,
    check: (at, device) => checkDevice(errors, at, { device, old: before.get(device.name), ownNodes }),
  });
  eachUnique(errors, 'spec.sharedCounters', {
    list: spec.sharedCounters,
    max: maxCounterSets,
    keyOf: ({ name }) => name,
    check: (at, set) => checkCounterSet(errors, at, set),
  });
  return errors;
}

function checkUnchanged(errors: FieldError[], now: ResourceSliceSpec, before: ResourceSliceSpec): void {
  if (now.pool?.name !== before.pool?.name) errors.push(invalid('spec.pool.name', now.pool?.name, immutableMessage));
  if (now.driver !== before.driver) errors.push(invalid('spec.driver', now.driver, immutableMessage));
  if (now.nodeName !== before.nodeName) errors.push(invalid('spec.nodeName', now.nodeName, immutableMessage));
}

/** Devices with what takes longer to look at: there may be fewer of them. */
function isAdvanced({ devices = [] }: ResourceSliceSpec): boolean {
  return devices.some(({ taints, consumesCounters, attributes = {} }) => {
    if (taints?.length || consumesCounters?.length) return true;
    return Object.values(attributes).some(({ bools, ints, strings, versions }) => bools ?? ints ?? strings ?? versions);
  });
}

function checkNodes(errors: FieldError[], spec: ResourceSliceSpec): void {
  const { nodeName, nodeSelector } = spec;
  const given: string[] = [];
  if (nodeName) {
    given.push('`nodeName`');
    pushInvalid(errors, 'spec.nodeName', nodeName, checkSubdomain(nodeName));
  } else if (nodeName !== undefined) {
    errors.push(invalid('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'));
  }
  if (nodeSelector) {
    given.push('`nodeSelector`');
    checkNodeSelector(errors, 'spec.nodeSelector', nodeSelector);
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      errors.push(invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term'));
    }
  }
  for (const part of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[part]) given.push(`\`${part}\``);
    else if (spec[part] === false) {
      errors.push(invalid(`spec.${part}`, false, 'must be either unset or set to true'));
    }
  }
  const detail = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (given.length === 0) errors.push(required('spec', detail));
  else if (given.length > 1) {
    errors.push(invalid('spec', `{${given.join(', ')}}`, `${detail}, but multiple fields are set`));
  }
}

export const resourceSlice: KindBehaviour<ResourceSlice> = {
  prepareCreate(draft, { nowMs }) {
    draft.metadata.generation = 1;
    noteTaints(draft, nowMs);
  },
  prepareUpdate(draft, old, { nowMs }) {
    noteTaints(draft, nowMs);
    countGeneration(draft, old);
  },
  validateCreate: object => validate(object),
  validateUpdate: validate,
  columns: [
    nameColumn,
    text('Node', 'Node that has the devices.', o => o.spec.nodeName ?? ''),
    text('Driver', 'Driver that serves them.', o => o.spec.driver),
    text('Pool', 'Pool that they belong to.', o => o.spec.pool?.name ?? ''),
    ageColumn,
  ],
  selectableFields: { 'spec.nodeName': o => o.spec.nodeName ?? '', 'spec.driver': o => o.spec.driver },
};
