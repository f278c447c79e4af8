import type { FlowSchema, FlowSubject, NonResourcePolicyRule, ResourcePolicyRule } from '#api';
import type { RequestInfo } from '../request-info.ts';
import type { User } from '../user.ts';

/** Whether a request is one that a FlowSchema speaks of. */
export type FlowMatcher = (user: User, info: RequestInfo) => boolean;

type UserTest = (user: User) => boolean;
type InfoTest = (info: RequestInfo) => boolean;

/** Prepares a schema's rules: who first, because that fails soonest. */
export function createFlowMatcher(schema: FlowSchema): FlowMatcher {
  const rules = (schema.spec.rules ?? []).map(rule => ({
    subjects: rule.subjects.map(subjectTest),
    resources: (rule.resourceRules ?? []).map(resourceTest),
    paths: (rule.nonResourceRules ?? []).map(pathTest),
  }));
  return (user, info) =>
    rules.some(({ subjects, resources, paths }) => {
      if (!subjects.some(test => test(user))) return false;
      return (info.isResource ? resources : paths).some(test => test(info));
    });
}

function subjectTest(subject: FlowSubject): UserTest {
  const { kind, user: named, group, serviceAccount } = subject;
  if (kind === 'User' && named) return named.name === '*' ? () => true : user => user.name === named.name;
  if (kind === 'Group' && group) return group.name === '*' ? () => true : user => user.groups.includes(group.name);
  if (kind === 'ServiceAccount' && serviceAccount) {
    const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
    if (serviceAccount.name === '*') return user => user.name.startsWith(prefix);
    return user => user.name === prefix + serviceAccount.name;
  }
  return () => false;
}

function oneOf(values: readonly string[] | undefined): (value: string) => boolean {
  if (values?.includes('*')) return () => true;
  const known = new Set(values);
  return value => known.has(value);
}

function resourceTest(rule: ResourcePolicyRule): InfoTest {
  const [verb, group, resource] = [oneOf(rule.verbs), oneOf(rule.apiGroups), oneOf(rule.resources)];
  const [namespace, clusterScope] = [oneOf(rule.namespaces), rule.clusterScope === true];
  return info =>
    verb(info.verb) &&
    group(info.group) &&
    resource(info.subresource ? `${info.resource}/${info.subresource}` : info.resource) &&
    (info.namespace ? namespace(info.namespace) : clusterScope);
}

function pathTest(rule: NonResourcePolicyRule): InfoTest {
  const verb = oneOf(rule.verbs);
  const paths = rule.nonResourceURLs.map(pattern => {
    if (!pattern.endsWith('*')) return (path: string) => path === pattern;
    const prefix = pattern.slice(0, -1);
    return (path: string) => path.startsWith(prefix);
  });
  return info => verb(info.verb) && paths.some(test => test(info.path));
}

/** What tells the flows of a schema apart: the user, the namespace, or nothing. */
export function distinguisherOf(schema: FlowSchema, user: User, info: RequestInfo): string {
  switch (schema.spec.distinguisherMethod?.type) {
    case 'ByUser':
      return user.name;
    case 'ByNamespace':
      return info.namespace ?? '';
    default:
      return '';
  }
}
