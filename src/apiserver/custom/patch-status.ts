import type { CustomResourceDefinition } from '#api';
import { resources } from '#api';
import type { Client } from '#client';

type Status = NonNullable<CustomResourceDefinition['status']>;

/**
 * Writes a status that was made of the given state of a definition, and resolves with the definition as it is then. As a patch, whose answer is short: a large definition
 * takes a while to write, and to read. Rejects with 404 and 409 when it is gone or another.
 */
export async function patchStatus(
  crd: CustomResourceDefinition,
  status: Status,
  client: Pick<Client, 'patch'>,
): Promise<CustomResourceDefinition> {
  const { name, uid, resourceVersion } = crd.metadata;
  const body = { metadata: { uid, resourceVersion }, status: changeOf(crd.status, status) };
  const patch = { type: 'merge', body, subresource: 'status', metadataOnly: true } as const;
  const { metadata } = await client.patch(resources.customresourcedefinitions, { name: name! }, patch);
  return { ...crd, metadata, status };
}

/** The new status as a merge patch of the old one: names that are not there any more are null. */
function changeOf(old: Status | undefined, status: Status): object {
  const gone = Object.keys(old?.acceptedNames ?? {}).map(name => [name, null]);
  return { ...status, acceptedNames: { ...Object.fromEntries(gone), ...status.acceptedNames } };
}
