import type { FieldError } from '../../kind.ts';
import type { CustomResourceDefinition } from '../../types.ts';
import { invalid, required } from '../field-error.ts';

const annotation = 'api-approved.kubernetes.io';
const see = 'see https://github.com/kubernetes/enhancements/pull/1111';

type Approval = 'missing' | 'bypassed' | 'approved' | 'invalid';

/** Groups of the Kubernetes community need an approval. */
export function isProtectedGroup(group: string): boolean {
  return /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);
}

/** What the annotation says; also for the condition KubernetesAPIApprovalPolicyConformant. Source: apihelpers.GetAPIApprovalState. */
export function approvalOf(definition: CustomResourceDefinition): { state: Approval; reason: string } {
  const text = definition.metadata.annotations?.[annotation] ?? '';
  if (text === '') {
    return { state: 'missing', reason: `protected groups must have approval annotation "${annotation}", ${see}` };
  }
  if (text.startsWith('unapproved')) return { state: 'bypassed', reason: `not approved: ${JSON.stringify(text)}` };
  if (URL.canParse(text) && new URL(text).host !== '') return { state: 'approved', reason: `approved in ${text}` };
  const form = 'with either a URL or a reason starting with "unapproved"';
  return { state: 'invalid', reason: `protected groups must have approval annotation "${annotation}" ${form}, ${see}` };
}

export function checkApproval(
  errors: FieldError[],
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): void {
  if (!isProtectedGroup(definition.spec.group ?? '')) return;
  const { state, reason } = approvalOf(definition);
  if (old && approvalOf(old).state === state) return;
  const field = `metadata.annotations[${annotation}]`;
  if (state === 'missing') errors.push(required(field, reason));
  else if (state === 'invalid') errors.push(invalid(field, definition.metadata.annotations?.[annotation], reason));
}
