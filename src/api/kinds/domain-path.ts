import type { FieldError } from '../kind.ts';
import { invalid, pushInvalid, required } from './field-error.ts';
import { checkSubdomain } from './name-rules.ts';

const urlPathForm = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const urlPath = new RegExp(`^${urlPathForm}$`);

/** `example.com/controller`: who manages something. Source: apimachinery's IsDomainPrefixedPath. */
export function checkDomainPath(errors: FieldError[], path: string, name: string): void {
  if (!name) return void errors.push(required(path));
  const slash = name.indexOf('/');
  if (slash < 1 || slash === name.length - 1) {
    return void errors.push(invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  }
  const [host, rest] = [name.slice(0, slash), name.slice(slash + 1)];
  pushInvalid(errors, path, host, checkSubdomain(host));
  if (!urlPath.test(rest)) {
    errors.push(invalid(path, rest, `Invalid path (regex used for validation is '${urlPathForm}')`));
  }
}
