import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { DeviceClass } from '../../types.ts';
import { countGeneration } from '../behaviour.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import { required, tooMany } from '../field-error.ts';
import { eachAt } from '../paths.ts';

const maxSelectors = 32;

function validate(object: DeviceClass): FieldError[] {
  const errors: FieldError[] = [];
  const selectors = object.spec?.selectors ?? [];
  if (selectors.length > maxSelectors) errors.push(tooMany('spec.selectors', selectors.length, maxSelectors));
  eachAt('spec.selectors', selectors, (at, { cel }) => {
    if (!cel) errors.push(required(`${at}.cel`));
    else if (!cel.expression) errors.push(required(`${at}.cel.expression`));
  });
  return errors;
}

export const deviceClass: KindBehaviour<DeviceClass> = {
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: countGeneration,
  validateCreate: validate,
  validateUpdate: validate,
  columns: [nameColumn, ageColumn],
};
