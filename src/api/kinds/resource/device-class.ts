import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { DeviceClass } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { invalid, tooMany } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { isExtended } from '../resources.ts';
import { checkDeviceConfig } from './device-config.ts';
import { maxListItems } from './device-limits.ts';
import { checkDeviceSelectors } from './device-selectors.ts';

function validate({ spec }: DeviceClass, old?: DeviceClass): FieldError[] {
  const errors: FieldError[] = [];
  const { selectors, config = [], extendedResourceName } = spec ?? {};
  const isStored = (part: 'selectors' | 'config') => old !== undefined && semanticallyEqual(spec[part], old.spec[part]);
  checkDeviceSelectors(errors, 'spec.selectors', { selectors, stored: isStored('selectors') });
  if (config.length > maxListItems) errors.push(tooMany('spec.config', config.length, maxListItems));
  else {
    const stored = isStored('config');
    eachAt('spec.config', config, (at, { opaque }) => checkDeviceConfig(errors, at, { opaque, stored }));
  }
  if (extendedResourceName !== undefined && !isExtended(extendedResourceName)) {
    const detail = 'must be a valid extended resource name';
    errors.push(invalid('spec.extendedResourceName', extendedResourceName, detail));
  }
  return errors;
}

export const deviceClass: KindBehaviour<DeviceClass> = {
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: object => validate(object),
  validateUpdate: validate,
  columns: [nameColumn, ageColumn],
};
