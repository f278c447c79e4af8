import { readFieldPath } from '../../custom/field-path.ts';
import type { Rule, Schema } from '../../custom/schema.ts';
import type { FieldError } from '../../kind.ts';
import { invalid, notSupported, required } from '../field-error.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/** The texts of x-kubernetes-validations, before anything is compiled. */
export function checkRuleTexts(errors: FieldError[], path: string, schema: Schema): void {
  schema['x-kubernetes-validations']?.forEach((rule, index) => {
    checkRule(errors, `${path}.x-kubernetes-validations[${index}]`, { rule, schema });
  });
}

function hasNewline(text: string): boolean {
  return /[\n\r]/.test(text);
}

function checkRule(errors: FieldError[], path: string, { rule, schema }: { rule: Rule; schema: Schema }): void {
  const { message = '', messageExpression = '', fieldPath = '', reason } = rule;
  const expression = (rule.rule ?? '').trim();
  const shown = message.trim();
  if (!expression) errors.push(required(`${path}.rule`, 'rule is not specified'));
  else if (message && !shown) errors.push(invalid(`${path}.message`, message, 'must be non-empty if specified'));
  else if (hasNewline(shown)) errors.push(invalid(`${path}.message`, message, 'must not contain line breaks'));
  else if (hasNewline(expression) && !shown) {
    errors.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'));
  }
  if (messageExpression && !messageExpression.trim()) {
    errors.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && reason !== null && !reasons.includes(reason)) {
    errors.push(notSupported(`${path}.reason`, reason, reasons));
  }
  checkFieldPath(errors, `${path}.fieldPath`, { fieldPath, schema });
}

function checkFieldPath(
  errors: FieldError[],
  field: string,
  { fieldPath, schema }: { fieldPath: string; schema: Schema },
): void {
  if (!fieldPath) return;
  if (!fieldPath.trim()) errors.push(invalid(field, fieldPath, 'must be non-empty if specified'));
  if (hasNewline(fieldPath)) errors.push(invalid(field, fieldPath, 'must not contain line breaks'));
  if ('error' in readFieldPath(fieldPath, schema)) errors.push(invalid(field, fieldPath, 'must be a valid path'));
}
