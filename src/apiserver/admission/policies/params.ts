import type { Kind, LabelSelector, ParamKind, ParamRef, Scheme, UnknownObject } from '#api';
import { apiVersionOf, matchesLabelSelector } from '#api';
import type { AdmissionRequest } from '../../admission.ts';
import type { ObjectReader } from '../../reader.ts';
import { namespaceOf } from '../webhooks/about.ts';

/** A policy or a binding that cannot be used as it stands: the failure policy says what becomes of the request. */
export class ConfigurationProblem extends Error {
  override readonly name = 'ConfigurationProblem';
}

export interface ParamDeps {
  readonly reader: ObjectReader;
  readonly scheme: () => Scheme;
}

/** The kind of a policy's parameters. Throws ConfigurationProblem when nothing serves it. */
export function paramKindOf({ apiVersion = '', kind = '' }: ParamKind, scheme: Scheme): Kind {
  const slash = apiVersion.indexOf('/');
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  const found = scheme.byKind(group, version, kind);
  if (found?.verbs.includes('get')) return found;
  throw new ConfigurationProblem(
    `failed to find resource referenced by paramKind: '${group}/${version}, Kind=${kind}'`,
  );
}

/** One evaluation of the policy each; undefined is one without a parameter. */
export type Params = readonly (UnknownObject | undefined)[];

const withoutParam: Params = [undefined];

export interface ParamQuery {
  /** Of the policy; undefined: it has no parameters, whatever the binding says. */
  readonly kind: Kind | undefined;
  /** Of the binding. */
  readonly ref: ParamRef | undefined;
}

/**
 * The parameters for a request, as they are stored at this moment and in the version in which they are stored. None at all: the policy is not evaluated. Throws
 * ConfigurationProblem. Source: apiserver/pkg/admission/plugin/policy/generic CollectParams.
 */
export function collectParams({ kind, ref }: ParamQuery, request: AdmissionRequest, { reader }: ParamDeps): Params {
  if (!kind || !ref) return withoutParam;
  const namespace = paramNamespace(kind, ref, request);
  const params = ref.name
    ? [reader.get(kind, namespace, ref.name)].filter(param => param !== undefined)
    : select(reader.list(kind, namespace), ref.selector);
  if (params.length === 0 && ref.parameterNotFoundAction === 'Deny') {
    throw new ConfigurationProblem('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return params;
}

function paramNamespace(kind: Kind, ref: ParamRef, request: AdmissionRequest): string | undefined {
  if (!kind.namespaced) {
    if (!ref.namespace) return undefined;
    throw new ConfigurationProblem('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const namespace = ref.namespace || namespaceOf(request);
  if (namespace) return namespace;
  throw new ConfigurationProblem(
    'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  );
}

function select(objects: readonly UnknownObject[], selector: LabelSelector | undefined): UnknownObject[] {
  return objects
    .filter(({ metadata }) => matchesLabelSelector(selector, metadata.labels ?? {}))
    .toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
}

/** A parameter in the version that the policy asks for. */
export async function toParam(
  param: UnknownObject | undefined,
  kind: Kind | undefined,
  request: AdmissionRequest,
): Promise<UnknownObject | undefined> {
  if (!param || !kind || param.apiVersion === apiVersionOf(kind) || !request.codec) return param;
  return request.codec.convert(param, kind);
}
