import type { AdmissionRequest } from '../admission.ts';
import type { DeleteOptions } from './delete-options.ts';

const apiVersion = 'meta.k8s.io/v1';

/** The options of a write as admission shows them: what the client said in the URL, or for a deletion in its body. Undefined for CONNECT, which has none. */
export function admissionOptions(
  operation: AdmissionRequest['operation'],
  query: URLSearchParams,
  deletion: DeleteOptions | undefined,
): Record<string, unknown> | undefined {
  switch (operation) {
    case 'CONNECT':
      return undefined;
    case 'DELETE':
      return { kind: 'DeleteOptions', apiVersion, ...(deletion && deleteFields(deletion)) };
    default:
      // A patch is an update, or a creation, as far as admission is concerned.
      return { kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions', apiVersion, ...writeFields(query) };
  }
}

function writeFields(query: URLSearchParams): Record<string, unknown> {
  if (query.size === 0) return {};
  const dryRun = query.getAll('dryRun');
  const [fieldManager, fieldValidation] = [query.get('fieldManager'), query.get('fieldValidation')];
  return {
    ...(dryRun.length > 0 && { dryRun }),
    ...(fieldManager && { fieldManager }),
    ...(fieldValidation && { fieldValidation }),
  };
}

function deleteFields({ dryRun, gracePeriodSeconds, propagationPolicy, preconditions }: DeleteOptions) {
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(preconditions && { preconditions }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(dryRun && { dryRun: ['All'] }),
  };
}
