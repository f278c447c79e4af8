import type { FieldError } from '../kind.ts';
import { pushInvalid } from './field-error.ts';
import { checkPortName, checkPortNumber } from './name-rules.ts';

/** Transport protocols, in the order in which errors list them. */
export const protocols: readonly string[] = ['SCTP', 'TCP', 'UDP'];

/** A number, or the name of a port. */
export function checkPortNumberOrName(errors: FieldError[], path: string, port: number | string): void {
  pushInvalid(errors, path, port, typeof port === 'number' ? checkPortNumber(port) : checkPortName(port));
}
