import type { FieldError } from '../../kind.ts';
import { invalid, required } from '../field-error.ts';

/** The resources of a rule: a star takes the place of what it stands for. Source: admissionregistration validation validateResources. */
export function checkRuleResources(errors: FieldError[], path: string, given: readonly string[] = []): void {
  if (given.length === 0) errors.push(required(path));
  const allOf = new Set<string>();
  const ofAll = new Set<string>();
  // As upstream, of those without a subresource the last one counts.
  let isLastNamed = false;
  for (const [index, resource] of given.entries()) {
    const at = `${path}[${index}]`;
    const slash = resource.indexOf('/');
    if (!resource) errors.push(required(at));
    else if (slash < 0) isLastNamed = resource !== '*';
    else {
      const [main, sub] = [resource.slice(0, slash), resource.slice(slash + 1)];
      const covers = [...(allOf.has(main) ? [`${main}/*`] : []), ...(ofAll.has(sub) ? [`*/${sub}`] : [])];
      for (const cover of covers) {
        errors.push(invalid(at, resource, `if '${cover}' is present, must not specify ${resource}`));
      }
      if (sub === '*') allOf.add(main);
      if (main === '*') ofAll.add(sub);
    }
  }
  if (given.length > 1 && given.includes('*/*')) {
    errors.push(invalid(path, given, "if '*/*' is present, must not specify other resources"));
  }
  if (given.includes('*') && isLastNamed) {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalid(path, given, detail));
  }
}
