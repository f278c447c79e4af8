import type { FieldError } from '../../kind.ts';
import type { FlowSubject, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule } from '../../types.ts';
import { forbidden, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabel, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';

const verbs: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'proxy',
  'update',
  'watch',
];
const memberOf = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;
const kinds = Object.keys(memberOf) as (keyof typeof memberOf)[];
/** In which order upstream names the members that a kind of subject forbids. */
const strangers = ['ServiceAccount', 'User', 'Group'] as const;

/** Whose and which requests a flow schema takes. Source: pkg/apis/flowcontrol/validation ValidateFlowSchemaPolicyRulesWithSubjects. */
export function checkFlowRule(errors: FieldError[], at: string, rule: PolicyRulesWithSubjects): void {
  if (!rule.subjects?.length) errors.push(required(`${at}.subjects`, 'subjects must contain at least one value'));
  eachAt(`${at}.subjects`, rule.subjects, (path, subject) => {
    checkSubject(errors, path, subject);
  });
  if (!rule.resourceRules?.length && !rule.nonResourceRules?.length) {
    errors.push(required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  eachAt(`${at}.resourceRules`, rule.resourceRules, (path, resourceRule) => {
    checkResourceRule(errors, path, resourceRule);
  });
  eachAt(`${at}.nonResourceRules`, rule.nonResourceRules, (path, pathRule) => {
    checkPathRule(errors, path, pathRule);
  });
}

function checkSubject(errors: FieldError[], at: string, subject: FlowSubject): void {
  const kind = kinds.find(known => known === subject.kind);
  if (!kind) return void errors.push(notSupported(`${at}.kind`, subject.kind, kinds));
  const member = memberOf[kind];
  const path = `${at}.${member}`;
  const named = subject[member];
  if (named) checkNamed(errors, path, kind, named);
  else errors.push(required(path, `${member} is required when subject kind is '${kind}'`));
  for (const other of strangers) {
    const name = memberOf[other];
    if (other === kind || !subject[name]) continue;
    errors.push(forbidden(`${at}.${name}`, `${name} is forbidden when subject kind is not '${other}'`));
  }
}

function checkNamed(
  errors: FieldError[],
  path: string,
  kind: keyof typeof memberOf,
  { name = '', namespace = '' }: { name?: string; namespace?: string },
): void {
  if (!name) errors.push(required(`${path}.name`));
  if (kind !== 'ServiceAccount') return;
  if (name && name !== '*') pushInvalid(errors, `${path}.name`, name, checkSubdomain(name));
  if (namespace) pushInvalid(errors, `${path}.namespace`, namespace, checkLabel(namespace));
  else errors.push(required(`${path}.namespace`, 'must specify namespace for service account'));
}

function checkResourceRule(errors: FieldError[], at: string, rule: ResourcePolicyRule): void {
  const { apiGroups = [], resources = [], namespaces = [], clusterScope } = rule;
  checkVerbs(errors, `${at}.verbs`, rule.verbs);
  checkStar(errors, `${at}.apiGroups`, apiGroups, 'api groups', 'resource rules must supply at least one api group');
  checkStar(errors, `${at}.resources`, resources, 'resources', 'resource rules must supply at least one resource');
  const detail = 'resource rules that are not cluster scoped must supply at least one namespace';
  checkStar(errors, `${at}.namespaces`, namespaces, 'namespaces', clusterScope ? undefined : detail);
  if (namespaces.includes('*')) return;
  eachAt(`${at}.namespaces`, namespaces, (path, namespace) => {
    for (const message of checkLabel(namespace)) {
      errors.push(invalid(path, namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`));
    }
  });
}

function checkPathRule(errors: FieldError[], at: string, rule: NonResourcePolicyRule): void {
  const urls = rule.nonResourceURLs ?? [];
  checkVerbs(errors, `${at}.verbs`, rule.verbs);
  const empty = 'nonResourceURLs must contain at least one value';
  checkStar(errors, `${at}.nonResourceURLs`, urls, 'non-resource URLs', empty);
  if (urls.includes('*')) return;
  eachAt(`${at}.nonResourceURLs`, urls, (path, url) => {
    const detail = urlMistake(url);
    if (detail) errors.push(invalid(path, url, detail));
  });
}

function checkVerbs(errors: FieldError[], path: string, given: readonly string[] = []): void {
  checkStar(errors, path, given, 'verbs', 'verbs must contain at least one value');
  if (given.includes('*') || given.every(verb => verbs.includes(verb))) return;
  errors.push(notSupported(path, given, verbs));
}

/** A list has members (where `empty` says so), and a star has no company. */
function checkStar(
  errors: FieldError[],
  path: string,
  given: readonly string[],
  what: string,
  empty: string | undefined,
): void {
  if (given.length === 0 && empty) errors.push(required(path, empty));
  if (given.length > 1 && given.includes('*')) {
    errors.push(invalid(path, given, `if '*' is present, must not specify other ${what}`));
  }
}

function urlMistake(url: string): string | undefined {
  if (!url) return 'must not be empty';
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const star = url.indexOf('*');
  const isSuffix = star === url.length - 1 && url.endsWith('/*');
  return star < 0 || isSuffix ? undefined : 'wildcard can only do suffix matching';
}
