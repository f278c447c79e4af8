import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { SubjectAccessReview } from '../../types.ts';
import { checkQuestion, checkSubject } from './review-rules.ts';

export const subjectAccessReview: KindBehaviour<SubjectAccessReview> = {
  validateCreate(object) {
    const errors: FieldError[] = [];
    checkQuestion(errors, object.spec);
    checkSubject(errors, object.spec);
    return errors;
  },
};
