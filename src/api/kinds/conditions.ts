import type { FieldError } from '../kind.ts';
import type { Condition } from '../types.ts';
import { duplicate, invalid, notSupported, pushInvalid, required, tooLong } from './field-error.ts';
import { checkQualifiedName, patternMessage } from './name-rules.ts';
import { eachAt } from './paths.ts';

const statuses: readonly string[] = ['False', 'True', 'Unknown'];
const reasonForm = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reason = new RegExp(`^${reasonForm}$`);
const hint =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
const examples = ['my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB'];
const maxReasonBytes = 1024;
const maxMessageBytes = 32 * 1024;

/** Conditions of the common form (metav1.Condition), each type once. Source: apimachinery/pkg/apis/meta/v1/validation ValidateConditions. */
export function checkConditions(
  errors: FieldError[],
  path: string,
  conditions: readonly Condition[] | undefined,
): void {
  const seen = new Set<string>();
  eachAt(path, conditions, (at, condition) => {
    if (seen.has(condition.type)) errors.push(duplicate(`${at}.type`, condition.type));
    seen.add(condition.type);
    checkCondition(errors, at, condition);
  });
}

/** Conditions of a kind that asks for no more than a type, each once. */
export function checkConditionTypes(
  errors: FieldError[],
  path: string,
  conditions: readonly { type?: string | undefined }[] | undefined,
): void {
  const seen = new Set<string>();
  eachAt(path, conditions, (at, { type = '' }) => {
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
    seen.add(type);
    if (!type) errors.push(required(`${at}.type`));
  });
}

function checkCondition(errors: FieldError[], at: string, condition: Condition): void {
  // What is required of a condition is not of its shape: a client may leave out anything.
  const { type = '', status = '', observedGeneration = 0, lastTransitionTime, message = '' } = condition;
  pushInvalid(errors, `${at}.type`, type, checkQualifiedName(type));
  if (!statuses.includes(status)) errors.push(notSupported(`${at}.status`, status, statuses));
  if (observedGeneration < 0) {
    errors.push(invalid(`${at}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'));
  }
  if (!lastTransitionTime) errors.push(required(`${at}.lastTransitionTime`));
  checkReason(errors, `${at}.reason`, condition.reason);
  if (Buffer.byteLength(message) > maxMessageBytes) errors.push(tooLong(`${at}.message`, maxMessageBytes));
}

function checkReason(errors: FieldError[], path: string, text: string | undefined): void {
  if (!text) return void errors.push(required(path));
  if (!reason.test(text)) errors.push(invalid(path, text, patternMessage(hint, reasonForm, ...examples)));
  if (Buffer.byteLength(text) > maxReasonBytes) errors.push(tooLong(path, maxReasonBytes));
}
