import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { checkConditions } from '../conditions.ts';
import { duplicate, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { reportExpression } from './check-expression.ts';
import { annotationTypes, conditionTypes, type PolicyCompiler } from './policy-expressions.ts';
import { checkPolicy, defaultPolicy } from './policy-rules.ts';

const maxAnnotations = 20;
/** Upstream's: shorter than the longest annotation, because expressions often yield more than their own length. */
const maxValueExpressionBytes = 5 * 1024;
const reasons: readonly string[] = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];

function validate(object: ValidatingAdmissionPolicy, old?: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const spec = object.spec ?? {};
  const compiler = checkPolicy(errors, spec, { old: old?.spec });
  const { validations, auditAnnotations } = spec;
  if (!validations?.length && !auditAnnotations?.length) {
    const detail = 'validations or auditAnnotations must contain at least one item';
    errors.push(required('spec.validations', detail), required('spec.auditAnnotations', detail));
    return errors;
  }
  eachAt('spec.validations', validations, (at, one) => checkValidation(errors, at, { validation: one, compiler }));
  if ((auditAnnotations?.length ?? 0) > maxAnnotations) {
    const detail = `must not have more than ${maxAnnotations} auditAnnotations`;
    errors.push(invalid('spec.auditAnnotations', auditAnnotations, detail));
  }
  const keys = new Set<string>();
  eachAt('spec.auditAnnotations', auditAnnotations, (at, annotation) => {
    checkAnnotation(errors, at, { annotation, compiler, name: object.metadata.name });
    if (keys.has(annotation.key)) errors.push(duplicate(`${at}.key`, annotation.key));
    keys.add(annotation.key);
  });
  return errors;
}

function checkValidation(
  errors: FieldError[],
  path: string,
  { validation, compiler }: { validation: Validation; compiler: PolicyCompiler },
): void {
  const { expression, message, messageExpression, reason } = validation;
  if (!expression?.trim()) errors.push(required(`${path}.expression`, 'expression is not specified'));
  else reportExpression(errors, `${path}.expression`, compiler.compile(expression, { result: conditionTypes }));
  if (messageExpression && !messageExpression.trim()) {
    errors.push(invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'));
  } else if (messageExpression) {
    const compiled = compiler.compile(messageExpression, { result: annotationTypes.slice(0, 1), hasAuthorizer: false });
    reportExpression(errors, `${path}.messageExpression`, compiled);
  }
  if (message && !message.trim())
    errors.push(invalid(`${path}.message`, message, 'message must be non-empty if specified'));
  else if (message && /[\n\r]/.test(message.trim()))
    errors.push(invalid(`${path}.message`, message, 'message must not contain line breaks'));
  if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, reasons));
}

function checkAnnotation(
  errors: FieldError[],
  path: string,
  about: { annotation: AuditAnnotation; compiler: PolicyCompiler; name: string },
): void {
  const { annotation, compiler, name } = about;
  const { key = '', valueExpression = '' } = annotation;
  // The key of the audit event's annotation is both of them.
  if (!name) errors.push(invalid(`${path}.key`, key, 'requires metadata.name be non-empty'));
  else pushInvalid(errors, `${path}.key`, `${name}/${key}`, checkQualifiedName(`${name}/${key}`));
  const trimmed = valueExpression.trim();
  const at = `${path}.valueExpression`;
  if (!trimmed) errors.push(required(at, 'valueExpression is not specified'));
  else if (Buffer.byteLength(trimmed) > maxValueExpressionBytes)
    errors.push(required(at, `must not exceed ${maxValueExpressionBytes} bytes in length`));
  else reportExpression(errors, at, compiler.compile(trimmed, { result: annotationTypes }), valueExpression);
}

function validateStatus({ status }: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  eachAt('status.typeChecking.expressionWarnings', status?.typeChecking?.expressionWarnings, (at, warning) => {
    if (!warning.warning) errors.push(required(`${at}.warning`));
    if (!warning.fieldRef?.trim()) errors.push(required(`${at}.fieldRef`));
  });
  checkConditions(errors, 'status.conditions', status?.conditions);
  return errors;
}

export const validatingAdmissionPolicy: KindBehaviour<ValidatingAdmissionPolicy> = {
  categories: ['api-extensions'],
  defaults(draft) {
    draft.spec ??= {};
    defaultPolicy(draft.spec);
  },
  ...specStrategy<ValidatingAdmissionPolicy>(),
  validateCreate: object => validate(object),
  validateUpdate: validate,
  validateSubresource: validateStatus,
  columns: [
    nameColumn,
    count(
      'Validations',
      'Validations indicates the number of validation rules defined in this configuration',
      o => o.spec?.validations?.length,
    ),
    text('ParamKind', 'ParamKind specifies the kind of resources used to parameterize this policy', o => {
      return o.spec?.paramKind ? `${o.spec.paramKind.apiVersion}/${o.spec.paramKind.kind}` : '<unset>';
    }),
    ageColumn,
  ],
};
