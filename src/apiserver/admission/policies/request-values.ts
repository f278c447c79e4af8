import { resources, type UnknownObject } from '#api';
import { notFound } from '../../access/refuse.ts';
import type { Authorizer } from '../../access.ts';
import type { AdmissionRequest } from '../../admission.ts';
import type { ObjectReader } from '../../reader.ts';
import { createCelAuthorizer } from '../cel-authorizer.ts';
import { isNamespaces } from '../webhooks/about.ts';
import { reviewRequest, type Versioned } from '../webhooks/review.ts';

/** What expressions see of a request and of the namespace that it is in. Throws Status 404 when the namespace does not exist. */
export type RequestValues = (
  request: AdmissionRequest,
  versioned: Versioned,
  param: UnknownObject | undefined,
) => Record<string, unknown>;

export function createRequestValues(reader: ObjectReader, authorize: Authorizer): RequestValues {
  const authorizerOf = createCelAuthorizer(authorize);
  return (request, versioned, param) => {
    const { object, oldObject, ...asked } = reviewRequest(request, versioned, '');
    delete asked['uid'];
    return {
      object,
      oldObject,
      request: asked,
      params: param ?? null,
      namespaceObject: namespaceOf(request, reader) ?? null,
      ...authorizerOf(request),
    };
  };
}

/** A namespace is in no namespace. */
function namespaceOf(request: AdmissionRequest, reader: ObjectReader): UnknownObject | undefined {
  if (!request.namespace || isNamespaces(request)) return undefined;
  const found = reader.get(resources.namespaces, undefined, request.namespace);
  if (!found) throw notFound(resources.namespaces, request.namespace);
  return found as unknown as UnknownObject;
}
