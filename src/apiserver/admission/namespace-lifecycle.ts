import { resources } from '#api';
import { immortalNamespaces } from '../access/bootstrap-objects.ts';
import { forbidden, notFound } from '../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { isAbout, refuse } from './request.ts';

/** Nothing is made in a namespace that is missing or going away; the system's own namespaces stay. */
export function createNamespaceLifecycle(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    mutate: request => check(reader, request),
    validate: request => check(reader, request),
  };
}

function check(reader: ObjectReader, request: AdmissionRequest): void {
  const { kind, operation, namespace } = request;
  if (isAbout(request, resources.namespaces)) {
    if (operation === 'DELETE' && immortalNamespaces.includes(request.name)) {
      throw forbidden(kind, request.name, 'this namespace may not be deleted');
    }
    return;
  }
  if (!namespace || operation !== 'CREATE' || isAbout(request, resources.localsubjectaccessreviews)) return;
  const home = reader.get(resources.namespaces, undefined, namespace);
  if (!home) throw notFound(resources.namespaces, namespace);
  if (home.status?.phase !== 'Terminating' && !home.metadata.deletionTimestamp) return;
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  throw refuse(request, `unable to create new content in namespace ${namespace} because it is being terminated`, [
    cause,
  ]);
}
