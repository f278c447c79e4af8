import type { CustomResourceDefinition } from '#api';
import type { NewCondition } from './conditions.ts';

const annotationName = 'api-approved.kubernetes.io';
const pullRequest = 'https://github.com/kubernetes/enhancements/pull/1111';

/** Whether a definition in one of the community's own groups was approved; undefined for other groups. Source: controller/apiapproval, KEP-1111. */
export function approvalOf(crd: CustomResourceDefinition): NewCondition | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(crd.spec.group)) return undefined;
  const annotation = crd.metadata.annotations?.[annotationName] ?? '';
  return { type: 'KubernetesAPIApprovalPolicyConformant', ...stateOf(annotation) };
}

function stateOf(annotation: string): Pick<NewCondition, 'status' | 'reason' | 'message'> {
  const needed = `protected groups must have approval annotation "${annotationName}"`;
  if (annotation === '')
    return { status: 'False', reason: 'MissingAnnotation', message: `${needed}, see ${pullRequest}` };
  if (annotation.startsWith('unapproved')) {
    return { status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(annotation)}` };
  }
  if (URL.canParse(annotation) && new URL(annotation).host !== '') {
    return { status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${annotation}` };
  }
  const either = `${needed} with either a URL or a reason starting with "unapproved", see ${pullRequest}`;
  return { status: 'False', reason: 'InvalidAnnotation', message: either };
}
