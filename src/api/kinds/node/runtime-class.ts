import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { RuntimeClass } from '../../types.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { immutableMessage, invalid, pushInvalid } from '../field-error.ts';
import { checkLabels } from '../label-selector.ts';
import { checkLabel } from '../name-rules.ts';
import { deprecationOfNodeLabel } from '../node-label-warnings.ts';
import { checkResources } from '../resources.ts';
import { checkTolerations } from '../scheduling.ts';

function validate(object: RuntimeClass): FieldError[] {
  const errors: FieldError[] = [];
  pushInvalid(errors, 'handler', object.handler ?? '', checkLabel(object.handler ?? ''));
  const overhead = object.overhead?.podFixed;
  if (overhead) {
    checkResources(errors, 'overhead.podFixed', { resources: { limits: overhead }, options: { claims: new Set() } });
  }
  checkLabels(errors, 'scheduling.nodeSelector', object.scheduling?.nodeSelector);
  checkTolerations(errors, 'scheduling.tolerations', object.scheduling?.tolerations);
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
  unconditionalUpdate: false,
  columns: [nameColumn, text('Handler', 'Name that the container runtime knows.', o => o.handler), ageColumn],
};
