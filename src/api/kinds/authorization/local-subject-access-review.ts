import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { LocalSubjectAccessReview } from '../../types.ts';
import { checkLocal, checkQuestion, checkSubject } from './review-rules.ts';

export const localSubjectAccessReview: KindBehaviour<LocalSubjectAccessReview> = {
  validateCreate(object) {
    const errors: FieldError[] = [];
    checkQuestion(errors, object.spec);
    checkSubject(errors, object.spec);
    checkLocal(errors, object.spec, object.metadata?.namespace);
    return errors;
  },
};
