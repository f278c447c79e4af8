import { checkLabel, checkSubdomain } from '../kinds/name-rules.ts';
import { fault } from './errors.ts';
import type { Library } from './signature.ts';
import {
  authorizerType,
  type CelType,
  decisionType,
  groupCheckType,
  pathCheckType,
  resourceCheckType,
} from './types.ts';
import { CelOpaque } from './values.ts';

/** Whom a check is for: undefined is the user of the request. */
export interface AuthorizerServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/** What is asked of the authorizer. */
export type AuthorizerAttributes =
  | {
      readonly kind: 'path';
      readonly path: string;
      readonly verb: string;
      readonly serviceAccount: AuthorizerServiceAccount | undefined;
    }
  | {
      readonly kind: 'resource';
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
      readonly fieldSelector: string;
      readonly labelSelector: string;
      readonly verb: string;
      readonly serviceAccount: AuthorizerServiceAccount | undefined;
    };

export interface AuthorizerDecision {
  readonly allowed: boolean;
  readonly reason?: string;
  /** Text of a failure; empty or absent when there was none. */
  readonly error?: string;
}

/** Answers at once: who calls must know the rules before it evaluates. */
export type AuthorizerCheck = (attributes: AuthorizerAttributes) => AuthorizerDecision;

interface Authorizer {
  readonly check: AuthorizerCheck;
  readonly serviceAccount: AuthorizerServiceAccount | undefined;
}

interface ResourceCheck extends Authorizer {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
  readonly labelSelector: string;
}

/** The value of the variable `authorizer`. */
export function authorizerValue(check: AuthorizerCheck): CelOpaque {
  return new CelOpaque(authorizerType, { check, serviceAccount: undefined } satisfies Authorizer);
}

/** The value of the variable `authorizer.requestResource`. */
export function requestResourceValue(
  check: AuthorizerCheck,
  request: { group: string; resource: string; subresource?: string; namespace?: string; name?: string },
): CelOpaque {
  return new CelOpaque(resourceCheckType, {
    ...emptyResource,
    ...request,
    check,
    serviceAccount: undefined,
  } satisfies ResourceCheck);
}

const emptyResource = { subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' };

function next<T extends object>(type: CelType, from: CelOpaque, more: T): CelOpaque {
  return new CelOpaque(type, { ...(from.content as object), ...more });
}

const withPart =
  (part: keyof ResourceCheck) =>
  (check: CelOpaque, text: string): CelOpaque =>
    next(resourceCheckType, check, { [part]: text });

function path(authorizer: CelOpaque, text: string): CelOpaque {
  return text.trim() === '' ? fault('path must not be empty') : next(pathCheckType, authorizer, { path: text });
}

function resource(group: CelOpaque, text: string): CelOpaque {
  if (text.trim() === '') fault('resource must not be empty');
  return next(resourceCheckType, group, { ...emptyResource, resource: text });
}

function serviceAccount(authorizer: CelOpaque, namespace: string, name: string): CelOpaque {
  if (checkSubdomain(name).length > 0) fault('Invalid service account name');
  if (checkLabel(namespace).length > 0) fault('Invalid service account namespace');
  return next(authorizerType, authorizer, { serviceAccount: { namespace, name } });
}

function decide(value: CelOpaque, asked: Record<string, unknown>): CelOpaque {
  const { check, ...attributes } = value.content as Authorizer;
  return new CelOpaque(decisionType, check({ ...attributes, ...asked } as unknown as AuthorizerAttributes));
}

const decision = ({ content }: CelOpaque): AuthorizerDecision => content as AuthorizerDecision;
const errorOf = (value: CelOpaque): string => decision(value).error ?? '';

/** Kubernetes' authz and authzSelectors libraries. */
export const authorizerLibrary: Library = {
  path: [['authorizer_path', 'Authorizer.(string) -> PathCheck', path]],
  group: [
    [
      'authorizer_group',
      'Authorizer.(string) -> GroupCheck',
      (from: CelOpaque, group: string) => next(groupCheckType, from, { group }),
    ],
  ],
  serviceAccount: [['authorizer_serviceaccount', 'Authorizer.(string, string) -> Authorizer', serviceAccount]],
  resource: [['groupcheck_resource', 'GroupCheck.(string) -> ResourceCheck', resource]],
  subresource: [['resourcecheck_subresource', 'ResourceCheck.(string) -> ResourceCheck', withPart('subresource')]],
  namespace: [['resourcecheck_namespace', 'ResourceCheck.(string) -> ResourceCheck', withPart('namespace')]],
  name: [['resourcecheck_name', 'ResourceCheck.(string) -> ResourceCheck', withPart('name')]],
  fieldSelector: [['authorizer_fieldselector', 'ResourceCheck.(string) -> ResourceCheck', withPart('fieldSelector')]],
  labelSelector: [['authorizer_labelselector', 'ResourceCheck.(string) -> ResourceCheck', withPart('labelSelector')]],
  check: [
    [
      'pathcheck_check',
      'PathCheck.(string) -> Decision',
      (from: CelOpaque, verb: string) => decide(from, { kind: 'path', verb }),
    ],
    [
      'resourcecheck_check',
      'ResourceCheck.(string) -> Decision',
      (from: CelOpaque, verb: string) => decide(from, { kind: 'resource', verb }),
    ],
  ],
  errored: [['decision_errored', 'Decision.() -> bool', (value: CelOpaque) => errorOf(value) !== '']],
  error: [['decision_error', 'Decision.() -> string', errorOf]],
  allowed: [['decision_allowed', 'Decision.() -> bool', (value: CelOpaque) => decision(value).allowed]],
  reason: [['decision_reason', 'Decision.() -> string', (value: CelOpaque) => decision(value).reason ?? '']],
};
