import type { Kind, KubeObject, Resource, UnknownObject } from '#api';
import { StatusError } from '../access/refuse.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { User } from '../user.ts';

/** An AdmissionRequest for tests, with what it warned of. */
export interface TestRequest extends AdmissionRequest {
  readonly warnings: string[];
}

export const testUser: User = { name: 'jane', groups: ['system:authenticated'] };

/** A request about the object; name and namespace are the object's unless given. */
export function createTestRequest<T extends KubeObject>(
  resource: Resource<T>,
  fields: {
    operation?: AdmissionRequest['operation'];
    object?: T | KubeObject | undefined;
    old?: T | undefined;
    subresource?: string;
    name?: string;
    namespace?: string;
    user?: User;
    dryRun?: boolean;
  },
): TestRequest {
  const metadata = (fields.object ?? fields.old)?.metadata;
  const warnings: string[] = [];
  return {
    operation: fields.operation ?? 'CREATE',
    kind: resource as unknown as Kind,
    subresource: fields.subresource ?? '',
    namespace: fields.namespace ?? metadata?.namespace,
    name: fields.name ?? metadata?.name ?? '',
    user: fields.user ?? testUser,
    dryRun: fields.dryRun ?? false,
    object: fields.object as unknown as UnknownObject | undefined,
    old: fields.old as unknown as UnknownObject | undefined,
    options: {},
    warnings,
    warn: text => void warnings.push(text),
  };
}

/** Runs both halves of a plugin; resolves with the message of the refusal, or undefined when the request passed. */
export async function runPlugin(plugin: AdmissionPlugin, request: AdmissionRequest): Promise<string | undefined> {
  return (await refusalOf(plugin, request))?.message;
}

/** The same, with the refusal whole. */
export async function refusalOf(plugin: AdmissionPlugin, request: AdmissionRequest): Promise<StatusError | undefined> {
  try {
    await plugin.mutate?.(request);
    await plugin.validate?.(request);
    return undefined;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
}
