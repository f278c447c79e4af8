import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { SelfSubjectAccessReview } from '../../types.ts';
import { checkQuestion } from './review-rules.ts';

export const selfSubjectAccessReview: KindBehaviour<SelfSubjectAccessReview> = {
  validateCreate(object) {
    const errors: FieldError[] = [];
    checkQuestion(errors, object.spec);
    return errors;
  },
};
