import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { KubeObject } from '../../resource.ts';
import { keepAllButStatus, keepMetadata, specStrategy } from '../behaviour.ts';
import { checkConditionTypes } from '../conditions.ts';

interface WithConditions extends KubeObject {
  spec?: unknown;
  status?: { conditions?: { type?: string | undefined }[] | undefined } | undefined;
}

/** What both kinds of the group do alike: a write of the status changes nothing but that, and its conditions are looked at. */
export function flowStrategy<T extends WithConditions>(): Required<
  Pick<KindBehaviour<T>, 'prepareCreate' | 'prepareUpdate' | 'prepareSubresource' | 'validateSubresource'>
> {
  return {
    ...specStrategy<T>(),
    prepareSubresource(draft, old) {
      keepAllButStatus(draft, old);
      keepMetadata(draft, old);
    },
    validateSubresource(object) {
      const errors: FieldError[] = [];
      checkConditionTypes(errors, 'status.conditions', object.status?.conditions);
      return errors;
    },
  };
}
