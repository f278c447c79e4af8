import { X509Certificate } from 'node:crypto';
import { cel } from '#api';
import { type Field, parseDocument, readDocument } from '../document.ts';
import { claimVariables, userVariables } from './variables.ts';

/** A claim taken as it is, or an expression over all of them. */
export type Mapping = { readonly claim: string; readonly prefix: string } | { readonly program: cel.CelProgram };

/** A rule that must hold; `message` is told when it does not. */
export interface Rule {
  readonly program: cel.CelProgram;
  readonly message: string;
}

/** Whose tokens are believed, and who they stand for. */
export interface Issuer {
  readonly url: string;
  /** Where its configuration is, when not below `url`. */
  readonly discoveryUrl: string;
  /** PEM; undefined: the system's roots. */
  readonly authority: string | undefined;
  readonly audiences: readonly string[];
  readonly username: Mapping;
  readonly groups: Mapping | undefined;
  readonly uid: Mapping | undefined;
  readonly extra: readonly { readonly key: string; readonly program: cel.CelProgram }[];
  readonly requiredClaims: readonly { readonly claim: string; readonly value: string }[];
  readonly claimRules: readonly Rule[];
  readonly userRules: readonly Rule[];
}

/** An AuthenticationConfiguration, checked and compiled. */
export interface AuthenticationConfig {
  readonly issuers: readonly Issuer[];
  /** Paths that need no credentials; undefined: not said. Empty: none. A list with undefined in it: all of them. */
  readonly anonymous: { readonly enabled: boolean; readonly paths: readonly string[] | undefined } | undefined;
}

const spec = {
  kind: 'AuthenticationConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1'],
};
/** Upstream's limit of issuers. */
const maxIssuers = 64;

/** Reads the file of --authentication-config. Throws DocumentError that names file and field. */
export function readAuthenticationConfig(path: string, options: { ownIssuer: string }): AuthenticationConfig {
  return toConfig(readDocument(path, spec), options);
}

/** The same from text; `path` is for messages. */
export function parseAuthenticationConfig(
  path: string,
  text: string,
  options: { ownIssuer: string },
): AuthenticationConfig {
  return toConfig(parseDocument(path, text, spec), options);
}

function toConfig(document: Field, { ownIssuer }: { ownIssuer: string }): AuthenticationConfig {
  const { jwt, anonymous } = document.members('jwt', 'anonymous');
  if (jwt.list().length > maxIssuers) jwt.fail(`must have at most ${maxIssuers} items`);
  const issuers = jwt.list().map(toIssuer);
  const taken = new Set<string>([ownIssuer]);
  jwt.list().forEach((item, index) => {
    for (const url of new Set([issuers[index]!.url, issuers[index]!.discoveryUrl])) {
      if (taken.has(url)) item.fail(`the issuer or discovery URL ${url} is used twice, or the cluster's own`);
      taken.add(url);
    }
  });
  return { issuers, anonymous: anonymous.isSet ? toAnonymous(anonymous) : undefined };
}

function toAnonymous(field: Field): NonNullable<AuthenticationConfig['anonymous']> {
  const { enabled, conditions } = field.members('enabled', 'conditions');
  const paths = conditions.list().map(item => item.members('path').path.text());
  const isEnabled = enabled.flag();
  if (!isEnabled && paths.length > 0) conditions.fail('enabled should be set to true when conditions are defined');
  return { enabled: isEnabled, paths: paths.length > 0 ? paths : undefined };
}

function toIssuer(field: Field): Issuer {
  const members = field.members('issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules');
  const issuer = members.issuer.members(
    'url',
    'discoveryURL',
    'certificateAuthority',
    'audiences',
    'audienceMatchPolicy',
    'egressSelectorType',
  );
  if (issuer.egressSelectorType.isSet) issuer.egressSelectorType.fail('egress selectors are not built: leave it out');
  const url = toUrl(issuer.url);
  const audiences = issuer.audiences.texts();
  if (audiences.length === 0) issuer.audiences.fail('at least one issuer.audiences is required');
  if (new Set(audiences).size < audiences.length || audiences.includes(''))
    issuer.audiences.fail('must be different and not empty');
  const policy = issuer.audienceMatchPolicy.oneOf(['MatchAny', ''], '');
  if (audiences.length > 1 && policy !== 'MatchAny')
    issuer.audienceMatchPolicy.fail('must be MatchAny for multiple audiences');
  const mappings = toMappings(members.claimMappings);
  const rules = members.claimValidationRules.list().map(toClaimRule);
  checkEmail(
    members.claimMappings,
    mappings.username,
    rules.flatMap(rule => ('program' in rule ? rule : [])),
    mappings.all,
  );
  return {
    url,
    discoveryUrl: issuer.discoveryURL.isSet
      ? toDiscoveryUrl(issuer.discoveryURL, url)
      : `${url.replace(/\/$/, '')}/.well-known/openid-configuration`,
    authority: issuer.certificateAuthority.isSet ? toAuthority(issuer.certificateAuthority) : undefined,
    audiences,
    username: mappings.username,
    groups: mappings.groups,
    uid: mappings.uid,
    extra: mappings.extra,
    requiredClaims: rules.flatMap(rule => ('claim' in rule ? rule : [])),
    claimRules: rules.flatMap(rule => ('program' in rule ? rule : [])),
    userRules: members.userValidationRules.list().map(item => {
      const { expression, message } = item.members('expression', 'message');
      return {
        program: compile(expression, userVariables, [cel.boolType]),
        message: message.isSet ? message.text() : '',
      };
    }),
  };
}

function toUrl(field: Field): string {
  const text = field.text();
  if (!URL.canParse(text)) field.fail('must be a URL');
  const { protocol, username, search, hash } = new URL(text);
  if (protocol !== 'https:') field.fail('URL scheme must be https');
  if (username || search || hash) field.fail('URL must not contain a username, password, query or fragment');
  return text;
}

function toDiscoveryUrl(field: Field, issuerUrl: string): string {
  const url = toUrl(field);
  if (url.replace(/\/$/, '') === issuerUrl.replace(/\/$/, '')) field.fail('discoveryURL must be different from URL');
  return url;
}

function toAuthority(field: Field): string {
  const text = field.text();
  const parts = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  try {
    if (!parts) return field.failHidden('must be certificates in PEM');
    for (const part of parts) new X509Certificate(part);
    return text;
  } catch {
    // What is wrong inside of it is no help: it is no certificate.
    return field.failHidden('must be certificates in PEM');
  }
}

function toClaimRule(field: Field): { claim: string; value: string } | Rule {
  const { claim, requiredValue, expression, message } = field.members(
    'claim',
    'requiredValue',
    'expression',
    'message',
  );
  if (claim.isSet === expression.isSet) return field.fail('claim or expression is required, and not both');
  if (claim.isSet) {
    if (message.isSet) message.fail('message cannot be set when claim is set');
    return { claim: claim.text(), value: requiredValue.isSet ? String(requiredValue.value) : '' };
  }
  if (requiredValue.isSet) requiredValue.fail('requiredValue cannot be set when expression is set');
  const program = compile(expression, claimVariables, [cel.boolType]);
  return { program, message: message.isSet ? message.text() : '' };
}

interface Mappings extends Pick<Issuer, 'username' | 'groups' | 'uid' | 'extra'> {
  /** Every expression. */
  readonly all: readonly cel.CelProgram[];
}

function toMappings(field: Field): Mappings {
  const { username, groups, uid, extra } = field.members('username', 'groups', 'uid', 'extra');
  const keys = new Set<string>();
  const extras = extra.list().map(item => {
    const { key, valueExpression } = item.members('key', 'valueExpression');
    const name = key.text();
    if (!/^[a-z0-9.-]+\/[^\s]+$/.test(name))
      key.fail('must be a domain-prefix path (such as "acme.io/foo") in lower case');
    if (/(^|\.)(k8s|kubernetes)\.io\//.test(name))
      key.fail('k8s.io and kubernetes.io and their subdomains are reserved');
    if (keys.has(name)) key.fail('must be named once');
    keys.add(name);
    return { key: name, program: compile(valueExpression, claimVariables) };
  });
  const mappings = {
    username: toMapping(username) ?? username.fail('claim or expression is required'),
    groups: groups.isSet ? toMapping(groups) : undefined,
    uid: uid.isSet ? toUid(uid) : undefined,
    extra: extras,
  };
  const programs = [mappings.username, mappings.groups, mappings.uid].flatMap(one =>
    one && 'program' in one ? one.program : [],
  );
  return { ...mappings, all: [...programs, ...extras.map(({ program }) => program)] };
}

function toMapping(field: Field): Mapping | undefined {
  const { claim, prefix, expression } = field.members('claim', 'prefix', 'expression');
  if (claim.isSet && expression.isSet) return field.fail('claim and expression cannot both be set');
  if (expression.isSet) {
    if (prefix.isSet) prefix.fail('prefix cannot be set when expression is set');
    return { program: compile(expression, claimVariables) };
  }
  if (!claim.isSet) return prefix.isSet ? prefix.fail('prefix cannot be set without claim') : undefined;
  if (!prefix.isSet)
    return prefix.fail('prefix is required when claim is set. It can be set to an empty string to disable prefixing');
  return {
    claim: claim.text(),
    prefix: typeof prefix.value === 'string' ? prefix.value : prefix.fail('must be a text'),
  };
}

function toUid(field: Field): Mapping | undefined {
  const { claim, expression } = field.members('claim', 'expression');
  if (claim.isSet && expression.isSet) return field.fail('claim and expression cannot both be set');
  if (expression.isSet) return { program: compile(expression, claimVariables) };
  return claim.isSet ? { claim: claim.text(), prefix: '' } : undefined;
}

/** Who takes the name from an address must look whether it is the user's own (as upstream). */
function checkEmail(
  field: Field,
  username: Mapping,
  rules: readonly Rule[],
  mappings: readonly cel.CelProgram[],
): void {
  if (!('program' in username) || !/\bclaims\.email\b/.test(username.program.expression)) return;
  const all = [...mappings, ...rules.map(({ program }) => program)];
  if (all.some(({ expression }) => /\bclaims\.\??email_verified\b/.test(expression))) return;
  field.fail(
    'username.expression: claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
  );
}

/** Without `result` any value: what mappings give is looked at when they are used (as upstream). */
function compile(
  field: Field,
  variables: Readonly<Record<string, cel.CelType>>,
  result?: readonly cel.CelType[],
): cel.CelProgram {
  const expression = field.text();
  try {
    return cel.compileCel(expression, { variables, ...(result && { result }) });
  } catch (error) {
    return field.failHidden(`compilation failed: ${(error as Error).message}`);
  }
}
