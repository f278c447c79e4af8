import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Binding } from '../../types.ts';
import { notSupported, required } from '../field-error.ts';

/** A binding assigns a pod to a node, and to nothing else. */
export const binding: KindBehaviour<Binding> = {
  validateCreate(object) {
    const errors: FieldError[] = [];
    const { kind = '', name } = object.target ?? {};
    if (kind && kind !== 'Node') errors.push(notSupported('target.kind', kind, ['Node', '<empty>']));
    if (!name) errors.push(required('target.name'));
    return errors;
  },
};
