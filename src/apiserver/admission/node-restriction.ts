import type { CSINode, KubeObject, Lease, Node, PersistentVolumeClaim, Pod, ResourceSlice, TokenRequest } from '#api';
import { resources } from '#api';
import { nodeNameOf } from '../access/identities.ts';
import { podReferences } from '../access/node-references.ts';
import { notFound, quote, type StatusError } from '../access/refuse.ts';
import type { Authorizer } from '../access.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { checkAudience, checkCsr } from './node-identity.ts';
import { draftOf, mirrorPodAnnotation, oldOf, refuse } from './request.ts';

/** One write of a kubelet. */
interface Write {
  readonly reader: ObjectReader;
  readonly request: AdmissionRequest;
  readonly node: string;
  readonly authorize: Authorizer;
}
type Check = (write: Write) => void | Promise<void>;

/** What is checked, by resource, group and subresource. */
const checks: Readonly<Record<string, Check>> = {
  'pods..': checkPod,
  'pods..status': checkPodStatus,
  'pods..eviction': checkEviction,
  'nodes..': checkNode,
  'nodes..status': checkNode,
  'persistentvolumeclaims..status': checkClaimStatus,
  'serviceaccounts..token': checkToken,
  'leases.coordination.k8s.io.': checkLease,
  'csinodes.storage.k8s.io.': checkCsiNode,
  'certificatesigningrequests.certificates.k8s.io.': checkCsr,
  'resourceslices.resource.k8s.io.': checkResourceSlice,
};

/** Keeps kubelets to their own node, pods and lease. After upstream's plugin of the same name. */
export function createNodeRestriction(reader: ObjectReader, authorize: Authorizer): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    validate(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return undefined;
      if (node === '') throw refuse(request, `could not determine node from user ${quote(request.user.name)}`);
      const { kind, subresource } = request;
      const check = checks[`${kind.resource}.${kind.group}.${subresource}`];
      if (check) return check({ reader, request, node, authorize });
      refuseOther(request);
      return undefined;
    },
  };
}

/** Subresources of pods and claims that are not listed are closed to nodes. */
function refuseOther(request: AdmissionRequest): void {
  const { kind, subresource } = request;
  if (kind.group !== '') return;
  if (kind.resource === 'pods') {
    const allowed = "only 'status' and 'eviction' are allowed";
    throw refuse(request, `unexpected pod subresource ${quote(subresource)}, ${allowed}`);
  }
  if (kind.resource === 'persistentvolumeclaims') throw refuse(request, 'may only update PVC status');
}

/** Why the node may not do it; its name in quotes where upstream has them. */
function deny({ request, node }: Write, why: string): StatusError {
  return refuse(request, `node ${quote(node)} ${why}`);
}

function checkPod(write: Write): void {
  const { reader, request, node } = write;
  if (request.operation === 'CREATE') checkMirrorPod(write);
  else if (request.operation === 'DELETE') {
    const pod = oldOf<Pod>(request) ?? reader.get(resources.pods, request.namespace, request.name);
    if (!pod) throw notFound(resources.pods, request.name);
    if (pod.spec.nodeName !== node) throw deny(write, 'can only delete pods with spec.nodeName set to itself');
  } else {
    const why = `node ${quote(node)} can only create and delete mirror pods`;
    throw refuse(request, `unexpected operation ${quote(request.operation)}, ${why}`);
  }
}

function checkMirrorPod(write: Write): void {
  const pod = draftOf<Pod>(write.request);
  if (!pod) return;
  if (pod.metadata.annotations?.[mirrorPodAnnotation] === undefined) {
    const why = `node ${quote(write.node)} can only create mirror pods`;
    throw refuse(write.request, `pod does not have ${quote(mirrorPodAnnotation)} annotation, ${why}`);
  }
  if (pod.spec.nodeName !== write.node) throw deny(write, 'can only create pods with spec.nodeName set to itself');
  checkOwner(write, pod);
  if (pod.spec.serviceAccountName) throw deny(write, 'can not create pods that reference a service account');
  const references = podReferences(pod);
  const referenced = (['secrets', 'configmaps'] as const).find(kind => references[kind].size > 0);
  if (referenced) throw deny(write, `can not create pods that reference ${referenced}`);
  const volumes = pod.spec.volumes ?? [];
  if (volumes.some(volume => volume.projected?.sources?.some(source => source.clusterTrustBundle))) {
    throw deny(write, 'can not create pods that reference clustertrustbundles');
  }
  if (volumes.some(volume => volume.persistentVolumeClaim)) {
    throw deny(write, 'can not create pods that reference persistentvolumeclaims');
  }
  if (pod.spec.resourceClaims?.length) throw deny(write, 'can not create pods that reference resourceclaims');
}

function checkOwner(write: Write, pod: Pod): void {
  const [owner, ...others] = pod.metadata.ownerReferences ?? [];
  if (others.length > 0) throw deny(write, 'can only create pods with a single owner reference set to itself');
  const isItself = owner?.apiVersion === 'v1' && owner.kind === 'Node' && owner.name === write.node;
  if (!isItself) throw deny(write, 'can only create pods with an owner reference set to itself');
  if (!owner.controller) throw deny(write, 'can only create pods with a controller owner reference set to itself');
  if (owner.blockOwnerDeletion) throw deny(write, 'must not set blockOwnerDeletion on an owner reference');
  const node = write.reader.get(resources.nodes, undefined, write.node);
  if (!node) throw notFound(resources.nodes, write.node);
  if (owner.uid !== node.metadata.uid) {
    throw refuse(write.request, `node ${write.node} UID mismatch: expected ${owner.uid} got ${node.metadata.uid}`);
  }
}

function checkPodStatus(write: Write): void {
  const old = oldOf<Pod>(write.request);
  const pod = draftOf<Pod>(write.request);
  if (write.request.operation !== 'UPDATE' || !old || !pod) {
    throw refuse(write.request, `unexpected operation ${quote(write.request.operation)}`);
  }
  if (old.spec.nodeName !== write.node) {
    throw deny(write, 'can only update pod status for pods with spec.nodeName set to itself');
  }
  if (!isSame(old.metadata.labels ?? {}, pod.metadata.labels ?? {})) {
    throw deny(write, 'cannot update labels through pod status');
  }
  if (!isSame(old.status?.resourceClaimStatuses ?? [], pod.status?.resourceClaimStatuses ?? [])) {
    throw deny(write, 'cannot update resource claim statues');
  }
}

function checkEviction({ reader, request, node }: Write): void {
  if (request.operation !== 'CREATE') throw refuse(request, `unexpected operation ${request.operation}`);
  const name = request.name || request.object?.metadata.name || '';
  if (!name) throw refuse(request, 'could not determine pod from request data');
  const pod = reader.get(resources.pods, request.namespace, name);
  if (!pod) throw notFound(resources.pods, name);
  if (pod.spec.nodeName !== node) {
    throw refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
  }
}

function checkNode(write: Write): void {
  const { request, node } = write;
  const name = request.name || request.object?.metadata.name || '';
  if (name !== node) throw deny(write, `is not allowed to modify node ${quote(name)}`);
  const draft = draftOf<Node>(request);
  const old = oldOf<Node>(request);
  if (!draft) return;
  checkConfigSource(write, draft, old);
  const changed = forbiddenLabels(draft.metadata.labels ?? {}, old?.metadata.labels ?? {});
  if (request.operation === 'CREATE' && changed.length > 0) {
    throw deny(write, `is not allowed to set the following labels: ${changed.join(', ')}`);
  }
  if (request.operation !== 'UPDATE') return;
  if (!isSame(draft.spec?.taints ?? [], old?.spec?.taints ?? [])) throw deny(write, 'is not allowed to modify taints');
  if (changed.length > 0) throw refuse(request, `is not allowed to modify labels: ${changed.join(', ')}`);
  if (!isSame(draft.metadata.ownerReferences ?? [], old?.metadata.ownerReferences ?? [])) {
    throw deny(write, 'is not allowed to modify ownerReferences');
  }
}

/** A node may read what its specification names: it does not choose that by itself. */
function checkConfigSource(write: Write, { spec }: Node, old: Node | undefined): void {
  if (!spec?.configSource) return;
  if (write.request.operation === 'CREATE') {
    throw deny(write, 'is not allowed to create pods with a non-nil configSource');
  }
  if (!isSame(spec.configSource, old?.spec?.configSource)) {
    throw deny(write, 'is not allowed to update configSource to a new non-nil configSource');
  }
}

/** Labels that kubelets may set on themselves, though they are Kubernetes' own. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
]);
const kubeletDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

/** Changed labels by which a node could draw workloads to itself, sorted. */
function forbiddenLabels(labels: Readonly<Record<string, string>>, before: Readonly<Record<string, string>>): string[] {
  const keys = [...new Set([...Object.keys(labels), ...Object.keys(before)])];
  return keys.filter(key => labels[key] !== before[key] && !mayLabel(key)).sort();
}

function mayLabel(key: string): boolean {
  const domain = key.includes('/') ? (key.split('/')[0] ?? '') : '';
  const within = (parent: string) => domain === parent || domain.endsWith(`.${parent}`);
  if (within('node-restriction.kubernetes.io')) return false;
  if (!within('kubernetes.io') && !within('k8s.io')) return true;
  return kubeletLabels.has(key) || kubeletDomains.some(within);
}

function checkClaimStatus(write: Write): void {
  const { request } = write;
  const old = oldOf<PersistentVolumeClaim>(request);
  const claim = draftOf<PersistentVolumeClaim>(request);
  if (request.operation !== 'UPDATE' || !old || !claim) {
    throw refuse(request, `unexpected operation ${quote(request.operation)}`);
  }
  if (!isSame(withoutResize(old), withoutResize(claim))) {
    throw deny(write, 'is not allowed to update fields other than status.capacity and status.conditions');
  }
}

function withoutResize(claim: PersistentVolumeClaim): unknown {
  const { resourceVersion, managedFields, ...metadata } = claim.metadata;
  const { capacity, conditions, allocatedResources, allocatedResourceStatuses, ...status } = claim.status ?? {};
  return { metadata, spec: claim.spec, status };
}

function checkToken(write: Write): void | Promise<void> {
  const { reader, request, node } = write;
  if (request.operation !== 'CREATE') return;
  const reference = draftOf<TokenRequest & KubeObject>(request)?.spec?.boundObjectRef;
  if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || !reference.name) {
    throw refuse(request, 'node requested token not bound to a pod');
  }
  if (!reference.uid) throw refuse(request, 'node requested token with a pod binding without a uid');
  const pod = reader.get(resources.pods, request.namespace, reference.name);
  if (!pod) throw notFound(resources.pods, reference.name);
  if (pod.metadata.uid !== reference.uid) {
    const why = 'does not match the UID in record. The object might have been deleted and then recreated';
    throw refuse(request, `the UID in the bound object reference (${reference.uid}) ${why}`);
  }
  if (pod.spec.nodeName !== node) {
    throw refuse(request, 'node requested token bound to a pod scheduled on a different node');
  }
  return checkAudience(write, pod);
}

function checkLease({ request, node }: Write): void {
  if (request.namespace !== 'kube-node-lease') {
    throw refuse(request, 'can only access leases in the "kube-node-lease" system namespace');
  }
  const name = request.operation === 'CREATE' ? draftOf<Lease>(request)?.metadata.name : request.name;
  if (name !== node) throw refuse(request, 'can only access node lease with the same name as the requesting node');
}

function checkCsiNode({ request, node }: Write): void {
  const name = request.operation === 'CREATE' ? draftOf<CSINode>(request)?.metadata.name : request.name;
  if (name !== node) throw refuse(request, 'can only access CSINode with the same name as the requesting node');
}

function checkResourceSlice({ request, node }: Write): void {
  const slice = request.operation === 'CREATE' ? draftOf<ResourceSlice>(request) : oldOf<ResourceSlice>(request);
  if (slice && slice.spec?.nodeName !== node) {
    throw refuse(
      request,
      request.operation === 'CREATE'
        ? 'can only create ResourceSlice with the same NodeName as the requesting node'
        : 'can only modify ResourceSlice with the same NodeName as the requesting node',
    );
  }
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

/** The same value with its members in order, so that texts can be compared. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]));
}
