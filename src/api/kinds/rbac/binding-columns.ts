import type { Column } from '../../kind.ts';
import type { ClusterRoleBinding, Subject } from '../../types.ts';
import { ageColumn, nameColumn, text, wide } from '../columns.ts';

/** Both sorts of bindings have the same shape. */
type Binding = ClusterRoleBinding;

function namesOf(binding: Binding, kind: string): string {
  return (binding.subjects ?? [])
    .filter(subject => subject.kind === kind)
    .map(subject => formatSubject(subject))
    .join(', ');
}

function formatSubject({ kind, namespace, name }: Subject): string {
  return kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name;
}

/** What `kubectl get` shows of a binding; `noun` stands in the descriptions. */
export function bindingColumns(noun: string): readonly Column<Binding>[] {
  return [
    nameColumn,
    text('Role', 'Role that is granted.', o => `${o.roleRef.kind}/${o.roleRef.name}`),
    ageColumn,
    wide(text('Users', `Users in the ${noun}`, o => namesOf(o, 'User'))),
    wide(text('Groups', `Groups in the ${noun}`, o => namesOf(o, 'Group'))),
    wide(text('ServiceAccounts', `ServiceAccounts in the ${noun}`, o => namesOf(o, 'ServiceAccount'))),
  ];
}
