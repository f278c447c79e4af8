import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ResourceSlice } from '../../types.ts';
import { checkNodeSelector } from '../affinity.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { duplicate, immutableMessage, invalid, pushInvalid, required, tooMany } from '../field-error.ts';
import { checkLabel, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

const maxDevices = 128;

function validate(object: ResourceSlice): FieldError[] {
  const errors: FieldError[] = [];
  const { driver, pool, nodeName, nodeSelector, allNodes, perDeviceNodeSelection, devices = [] } = object.spec;
  if (!driver) errors.push(required('spec.driver'));
  else pushInvalid(errors, 'spec.driver', driver, checkSubdomain(driver));
  if (!pool?.name) errors.push(required('spec.pool.name'));
  else for (const part of pool.name.split('/')) pushInvalid(errors, 'spec.pool.name', part, checkSubdomain(part));
  if ((pool?.resourceSliceCount ?? 0) <= 0) {
    errors.push(invalid('spec.pool.resourceSliceCount', pool?.resourceSliceCount ?? 0, 'must be greater than zero'));
  }
  if (nodeName) pushInvalid(errors, 'spec.nodeName', nodeName, checkSubdomain(nodeName));
  if (nodeSelector) checkNodeSelector(errors, 'spec.nodeSelector', nodeSelector);
  const places = [nodeName, nodeSelector, allNodes, perDeviceNodeSelection].filter(Boolean).length;
  const detail = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (places === 0) errors.push(required('spec', detail));
  else if (places > 1) errors.push(invalid('spec', '{}', detail));
  if (devices.length > maxDevices) errors.push(tooMany('spec.devices', devices.length, maxDevices));
  const names = new Set<string>();
  eachAt('spec.devices', devices, (at, { name }) => {
    pushInvalid(errors, `${at}.name`, name, checkLabel(name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
  });
  return errors;
}

export const resourceSlice: KindBehaviour<ResourceSlice> = {
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    const [now, before] = [object.spec, old.spec];
    if (now.driver !== before.driver) errors.push(invalid('spec.driver', now.driver, immutableMessage));
    if (now.pool?.name !== before.pool?.name) {
      errors.push(invalid('spec.pool.name', now.pool?.name, immutableMessage));
    }
    if (now.nodeName !== before.nodeName) errors.push(invalid('spec.nodeName', now.nodeName, immutableMessage));
    return errors;
  },
  columns: [
    nameColumn,
    text('Node', 'Node that has the devices.', o => o.spec.nodeName ?? ''),
    text('Driver', 'Driver that serves them.', o => o.spec.driver),
    text('Pool', 'Pool that they belong to.', o => o.spec.pool?.name ?? ''),
    ageColumn,
  ],
  selectableFields: { 'spec.nodeName': o => o.spec.nodeName ?? '', 'spec.driver': o => o.spec.driver },
};
