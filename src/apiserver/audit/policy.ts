import { type Field, parseDocument, readDocument } from '../document.ts';
import type { RequestInfo } from '../request-info.ts';
import type { User } from '../user.ts';

export const auditLevels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof auditLevels)[number];

export const auditStages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof auditStages)[number];

/** What is to be written about one request. */
export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

/** Decides by the first rule that matches; none: nothing is written. */
export type AuditPolicy = (user: User, info: RequestInfo) => AuditDecision;

interface Rule extends AuditDecision {
  matches(user: User, info: RequestInfo): boolean;
}

const spec = { kind: 'Policy', apiVersions: ['audit.k8s.io/v1'] };

/** Reads an audit policy as upstream's kube-apiserver takes it. Throws DocumentError naming file and field. */
export function readAuditPolicy(path: string): AuditPolicy {
  return createPolicy(readDocument(path, spec));
}

/** The same from text; `path` is for messages. */
export function parseAuditPolicy(path: string, text: string): AuditPolicy {
  return createPolicy(parseDocument(path, text, spec));
}

function createPolicy(document: Field): AuditPolicy {
  const members = document.members('metadata', 'rules', 'omitStages', 'omitManagedFields');
  const defaults = {
    omitStages: stagesOf(members.omitStages),
    omitManagedFields: members.omitManagedFields.flag(),
  };
  const rules = members.rules.list().map(rule => createRule(rule, defaults));
  if (rules.length === 0) members.rules.fail('must have at least one rule');
  const none: AuditDecision = { level: 'None', ...defaults };
  return (user, info) => rules.find(rule => rule.matches(user, info)) ?? none;
}

function stagesOf(field: Field): readonly AuditStage[] {
  return field.list().map(item => item.oneOf(auditStages));
}

function createRule(field: Field, defaults: Omit<AuditDecision, 'level'>): Rule {
  const rule = field.members(
    ...(['level', 'users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs'] as const),
    ...(['omitStages', 'omitManagedFields'] as const),
  );
  const level = rule.level.oneOf(auditLevels);
  const [users, groups, verbs] = [rule.users.texts(), rule.userGroups.texts(), rule.verbs.texts()];
  const namespaces = rule.namespaces.texts();
  const resources = rule.resources.list().map(createResourceTest);
  const paths = rule.nonResourceURLs.list().map(createPathTest);
  const isAboutResources = namespaces.length > 0 || resources.length > 0;
  if (isAboutResources && paths.length > 0) {
    rule.nonResourceURLs.fail('rules cannot apply to both regular resources and non-resource URLs');
  }
  return {
    level,
    omitStages: [...new Set([...stagesOf(rule.omitStages), ...defaults.omitStages])],
    omitManagedFields: rule.omitManagedFields.flag(defaults.omitManagedFields),
    matches(user, info) {
      if (users.length > 0 && !users.includes(user.name)) return false;
      if (groups.length > 0 && !user.groups.some(group => groups.includes(group))) return false;
      if (verbs.length > 0 && !verbs.includes(info.verb)) return false;
      if (isAboutResources) {
        if (!info.isResource) return false;
        if (namespaces.length > 0 && !namespaces.includes(info.namespace ?? '')) return false;
        return resources.length === 0 || resources.some(test => test(info));
      }
      return paths.length === 0 || (!info.isResource && paths.some(test => test(info.path)));
    },
  };
}

function createResourceTest(field: Field): (info: RequestInfo) => boolean {
  const members = field.members('group', 'resources', 'resourceNames');
  const group = typeof members.group.value === 'string' ? members.group.value : '';
  if (members.group.isSet && typeof members.group.value !== 'string') members.group.fail('must be a text');
  const [names, patterns] = [members.resourceNames.texts(), members.resources.texts()];
  if (names.length > 0 && patterns.length === 0) {
    members.resourceNames.fail('using resourceNames requires at least one resource');
  }
  return info => {
    if (info.group !== group) return false;
    if (patterns.length === 0) return true;
    if (names.length > 0 && !names.includes(info.name)) return false;
    const { resource, subresource } = info;
    const full = subresource ? `${resource}/${subresource}` : resource;
    return patterns.some(
      pattern =>
        pattern === '*' ||
        pattern === full ||
        (subresource !== '' && pattern === `*/${subresource}`) ||
        pattern === `${resource}/*`,
    );
  };
}

function createPathTest(field: Field): (path: string) => boolean {
  const pattern = field.text();
  if (pattern === '*') return () => true;
  if (!pattern.startsWith('/')) field.fail('non-resource URLs begin with a slash');
  if (pattern.slice(0, -1).includes('*')) field.fail('a wildcard can only be the last character');
  if (!pattern.endsWith('*')) return path => path === pattern;
  const prefix = pattern.slice(0, -1);
  return path => path.startsWith(prefix);
}

/** Whether `level` writes at least as much as `least`. */
export function isAtLeast(level: AuditLevel, least: AuditLevel): boolean {
  return auditLevels.indexOf(level) >= auditLevels.indexOf(least);
}
