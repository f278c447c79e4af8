import type { JWTPayload } from 'jose';
import { cel } from '#api';
import type { User } from '../user.ts';
import type { Issuer, Mapping, Rule } from './authentication-config.ts';

/** Expressions are short, and so is their time. */
const costLimit = cel.perCallLimit;
const credentialId = 'authentication.kubernetes.io/credential-id';

/** The user that a token's claims stand for, by the issuer's rules. Throws what is wrong with them, in upstream's words. */
export function userOfClaims(issuer: Issuer, claims: JWTPayload): User {
  for (const { claim, value } of issuer.requiredClaims) requireClaim(claims, claim, value);
  for (const rule of issuer.claimRules) requireRule(rule, { claims }, 'claim');
  const user: User = {
    name: nameOf(issuer.username, claims),
    ...uidOf(issuer.uid, claims),
    groups: issuer.groups ? groupsOf(issuer.groups, claims) : [],
    extra: extraOf(issuer, claims),
  };
  if (user.name === '') throw new Error('oidc: the username is empty');
  const { name: username, uid = '', groups, extra = {} } = user;
  for (const rule of issuer.userRules) requireRule(rule, { user: { username, uid, groups, extra } }, 'user');
  return user;
}

function requireClaim(claims: JWTPayload, claim: string, value: string): void {
  if (!Object.hasOwn(claims, claim)) throw new Error(`oidc: required claim ${claim} not present in ID token`);
  const found = claims[claim];
  if (typeof found !== 'string') throw new Error(`oidc: parse claim ${claim}: not a string`);
  if (found !== value)
    throw new Error(`oidc: required claim ${claim} value does not match. Got = ${found}, want = ${value}`);
}

function requireRule({ program, message }: Rule, variables: Readonly<Record<string, unknown>>, what: string): void {
  const { value } = program.evaluate(variables, { costLimit });
  if (value === true) return;
  throw new Error(
    `oidc: error evaluating ${what} validation expression: ${message || `expression '${program.expression}' resulted in ${String(value)}`}`,
  );
}

function nameOf(mapping: Mapping, claims: JWTPayload): string {
  if ('program' in mapping) return oneText(evaluate(mapping.program, claims), 'username');
  const { claim, prefix } = mapping;
  const value = claims[claim];
  if (typeof value !== 'string')
    throw new Error(`oidc: parse username claims "${claim}": claim not present or not a string`);
  // Whoever may choose an address would be whom he likes.
  if (claim === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true)
    throw new Error('oidc: email not verified');
  return prefix + value;
}

function uidOf(mapping: Mapping | undefined, claims: JWTPayload): { uid?: string } {
  if (!mapping) return {};
  if ('program' in mapping) return { uid: oneText(evaluate(mapping.program, claims), 'uid') };
  const value = claims[mapping.claim];
  if (typeof value !== 'string')
    throw new Error(`oidc: parse uid claim "${mapping.claim}": claim not present or not a string`);
  return { uid: value };
}

function groupsOf(mapping: Mapping, claims: JWTPayload): string[] {
  if ('program' in mapping) return texts(evaluate(mapping.program, claims), 'groups');
  const value = claims[mapping.claim];
  if (value === undefined) return [];
  return texts(value, `groups claim "${mapping.claim}"`).map(group => mapping.prefix + group);
}

function extraOf({ extra }: Issuer, claims: JWTPayload): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  if (typeof claims.jti === 'string' && claims.jti) found[credentialId] = [`JTI=${claims.jti}`];
  for (const { key, program } of extra) {
    const values = texts(evaluate(program, claims), `extra ${key}`);
    if (values.length > 0) found[key] = values;
  }
  return found;
}

function evaluate(program: cel.CelProgram, claims: JWTPayload): unknown {
  try {
    return cel.toJson(program.evaluate({ claims }, { costLimit }).value);
  } catch (cause) {
    throw new Error(`oidc: error evaluating expression '${program.expression}': ${(cause as Error).message}`, {
      cause,
    });
  }
}

function oneText(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`oidc: error evaluating ${what} claim expression: must be a string`);
}

/** A text is a list of one; null and the empty text are none. */
function texts(value: unknown, what: string): string[] {
  if (value === null || value === '') return [];
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value.filter(item => item !== '');
  throw new Error(`oidc: ${what}: must be a string or an array of strings`);
}
