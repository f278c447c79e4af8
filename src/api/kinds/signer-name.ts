import type { FieldError } from '../kind.ts';
import { invalid, required, tooLong } from './field-error.ts';
import { checkLabel, checkSubdomain } from './name-rules.ts';

/** `example.com/signer`: a domain of at least two parts, then parts of a name. Source: core ValidateSignerName. */
export function checkSignerName(errors: FieldError[], path: string, name: string): void {
  if (!name) return void errors.push(required(path));
  const segments = name.split('/');
  const [domain = '', signer = ''] = segments;
  if (segments.length !== 2) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return void errors.push(invalid(path, name, detail));
  }
  for (const message of checkSubdomain(domain)) {
    errors.push(invalid(path, domain, `validating label ${JSON.stringify(domain)}: ${message}`));
  }
  if (!domain.includes('.')) {
    errors.push(invalid(path, domain, 'should be a domain with at least two segments separated by dots'));
  }
  for (const part of signer.split('.')) {
    for (const message of checkLabel(part)) {
      errors.push(invalid(path, signer, `validating label ${JSON.stringify(part)}: ${message}`));
    }
  }
  const most = 571;
  if (name.length > most) errors.push(tooLong(path, most));
}
