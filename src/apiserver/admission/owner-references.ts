import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, OwnerReference } from '#api';
import type { Authorizer } from '../access.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { refuse } from './request.ts';

export interface OwnerReferenceOptions {
  readonly authorize: Authorizer;
  /** Plural name of a kind; undefined when nothing serves it. */
  resourceOf(
    apiVersion: string,
    kind: string,
  ): { group: string; version: string; resource: string; namespaced: boolean } | undefined;
}

/**
 * Changing who owns an object may delete it: that needs the right to delete. Blocking the owner's deletion needs the right to set the owner's
 * finalizers.
 */
export function createOwnerReferencesPermissionEnforcement(options: OwnerReferenceOptions): AdmissionPlugin {
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    async validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      // Pods' status is written by nodes, which may not delete what they did not make.
      if (request.subresource === 'status' && request.kind.resource === 'pods') return;
      const owners = ownersOf(request.object);
      const before = ownersOf(request.old);
      if (owners.length === 0 && before.length === 0) return;
      if (isDeepStrictEqual(owners, before)) return;
      await checkDelete(options, request);
      await checkBlocking(options, request, newlyBlocking(owners, before));
    },
  };
}

function ownersOf(object: KubeObject | undefined): OwnerReference[] {
  return object?.metadata?.ownerReferences ?? [];
}

async function checkDelete({ authorize }: OwnerReferenceOptions, request: AdmissionRequest): Promise<void> {
  // An object that is being made can be given owners freely: its maker could have left it out.
  if (request.operation === 'CREATE') return;
  const { kind, subresource, namespace, name, user } = request;
  const asked = {
    user,
    verb: 'delete',
    group: kind.group,
    version: kind.version,
    resource: kind.resource,
    ...(subresource ? { subresource } : {}),
    namespace,
    name,
  };
  const decision = await authorize(asked);
  if (decision.verdict === 'allow') return;
  throw refuse(request, `cannot set an ownerRef on a resource you can't delete: ${decision.reason}, <nil>`);
}

function newlyBlocking(owners: readonly OwnerReference[], before: readonly OwnerReference[]): OwnerReference[] {
  const blocked = new Set(before.filter(owner => owner.blockOwnerDeletion).map(owner => owner.uid));
  return owners.filter(owner => owner.blockOwnerDeletion && !blocked.has(owner.uid));
}

async function checkBlocking(
  { authorize, resourceOf }: OwnerReferenceOptions,
  request: AdmissionRequest,
  owners: readonly OwnerReference[],
): Promise<void> {
  if (owners.length === 0 || (await mayFinalizeAnything(authorize, request))) return;
  for (const owner of owners) {
    const target = resourceOf(owner.apiVersion, owner.kind);
    if (!target) {
      const why = `no matches for kind "${owner.kind}" in version "${owner.apiVersion}"`;
      throw refuse(
        request,
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}: ${why}`,
      );
    }
    const decision = await authorize({
      user: request.user,
      verb: 'update',
      group: target.group,
      version: target.version,
      resource: target.resource,
      subresource: 'finalizers',
      namespace: target.namespaced ? request.namespace : undefined,
      name: owner.name,
    });
    if (decision.verdict !== 'allow') {
      throw refuse(
        request,
        `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${decision.reason}, <nil>`,
      );
    }
  }
}

/** Who may do so needs no kind to be known, as when nothing serves it yet. */
async function mayFinalizeAnything(authorize: Authorizer, { user }: AdmissionRequest): Promise<boolean> {
  const anything = { group: '*', version: '*', resource: '*', subresource: 'finalizers', name: '*' };
  return (await authorize({ user, verb: 'update', ...anything })).verdict === 'allow';
}
