import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { RuntimeClass } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { duplicate, immutableMessage, invalid, pushInvalid, required } from '../field-error.ts';
import { checkLabels } from '../label-selector.ts';
import { checkLabel } from '../name-rules.ts';
import { deprecationOfNodeLabel } from '../node-label-warnings.ts';
import { eachAt } from '../paths.ts';
import { checkResources } from '../resources.ts';
import { checkTolerations } from '../scheduling.ts';

function validate(object: RuntimeClass): FieldError[] {
  const errors: FieldError[] = [];
  if (!object.handler) errors.push(required('handler'));
  else pushInvalid(errors, 'handler', object.handler, checkLabel(object.handler));
  const overhead = object.overhead?.podFixed;
  if (overhead) {
    checkResources(errors, 'overhead', { resources: { limits: overhead }, options: { claims: new Set() } });
  }
  checkLabels(errors, 'scheduling.nodeSelector', object.scheduling?.nodeSelector);
  checkTolerations(errors, 'scheduling.tolerations', object.scheduling?.tolerations);
  const seen = new Set<string>();
  eachAt('scheduling.tolerations', object.scheduling?.tolerations, (at, toleration) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration;
    const id = JSON.stringify([key, operator, value, effect]);
    if (seen.has(id)) errors.push(duplicate(at, toleration));
    seen.add(id);
  });
  return errors;
}

export const runtimeClass: KindBehaviour<RuntimeClass> = {
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    if (object.handler !== old.handler) errors.push(invalid('handler', object.handler, immutableMessage));
    return errors;
  },
  warnings: object =>
    Object.keys(object.scheduling?.nodeSelector ?? {}).flatMap(key => {
      const message = deprecationOfNodeLabel(key);
      return message ? [`scheduling.nodeSelector: ${message}`] : [];
    }),
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [nameColumn, text('Handler', 'Name that the container runtime knows.', o => o.handler), ageColumn],
};
