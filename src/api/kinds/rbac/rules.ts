import type { FieldError } from '../../kind.ts';
import type { PolicyRule, RoleRef, Subject } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkPathSegment, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

export const rbacGroup = 'rbac.authorization.k8s.io';

/** Rules of a role. */
export function checkPolicyRules(
  errors: FieldError[],
  rules: readonly PolicyRule[] | undefined,
  namespaced: boolean,
): void {
  eachAt('rules', rules, (at, { verbs, nonResourceURLs: urls, apiGroups, resources, resourceNames }) => {
    if (!verbs?.length) errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (urls?.length) {
      const field = `${at}.nonResourceURLs`;
      if (namespaced) errors.push(invalid(field, urls, 'namespaced rules cannot apply to non-resource URLs'));
      if (apiGroups?.length || resources?.length || resourceNames?.length) {
        errors.push(invalid(field, urls, 'rules cannot apply to both regular resources and non-resource URLs'));
      }
      return;
    }
    if (!apiGroups?.length) {
      errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    }
    if (!resources?.length) {
      errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    }
  });
}

interface Binding {
  roleRef: RoleRef;
  subjects?: Subject[] | undefined;
}

/** Fills in the groups that the kinds imply. */
export function defaultBinding(draft: Binding): void {
  if (draft.roleRef) draft.roleRef.apiGroup ||= rbacGroup;
  for (const subject of draft.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
  }
}

/** Role and subjects of a binding; `kinds` are the roles that it may name. */
export function validateBinding(binding: Binding, kinds: readonly string[], namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const { apiGroup = '', kind = '', name } = binding.roleRef ?? {};
  if (apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', apiGroup, [rbacGroup]));
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds));
  if (!name) errors.push(required('roleRef.name'));
  else pushInvalid(errors, 'roleRef.name', name, checkPathSegment(name));
  eachAt('subjects', binding.subjects, (at, subject) => checkSubject(errors, at, { subject, namespaced }));
  return errors;
}

function checkSubject(
  errors: FieldError[],
  path: string,
  { subject, namespaced }: { subject: Subject; namespaced: boolean },
): void {
  // What a subject's namespace says is checked only where a service account needs one, as upstream does.
  const { name, kind, apiGroup = '', namespace } = subject;
  if (!name) errors.push(required(`${path}.name`));
  if (kind === 'ServiceAccount') {
    if (name) pushInvalid(errors, `${path}.name`, name, checkSubdomain(name));
    if (apiGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, ['']));
    if (!namespace && !namespaced) errors.push(required(`${path}.namespace`));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== rbacGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]));
  } else errors.push(notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
}

/** A binding keeps its role: another role means another binding. */
export function checkSameRole(errors: FieldError[], binding: Binding, old: Binding): void {
  if (semanticallyEqual(binding.roleRef, old.roleRef)) return;
  errors.push(invalid('roleRef', binding.roleRef, 'cannot change roleRef'));
}
