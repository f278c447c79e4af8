import { certificateApprover } from './certificates/approver.ts';
import { certificateCleaner } from './certificates/cleaner.ts';
import { certificateSigner } from './certificates/signer.ts';
import type { ControllerSpec } from './controller.ts';
import { cronjob } from './cronjob/controller.ts';
import { daemonset } from './daemonset/controller.ts';
import { deployment } from './deployment/controller.ts';
import { disruption } from './disruption/controller.ts';
import { endpointSlices } from './endpoints/endpoint-slices.ts';
import { endpoints } from './endpoints/endpoints.ts';
import { endpointSliceMirroring } from './endpoints/mirroring.ts';
import { garbageCollector } from './garbage-collector/controller.ts';
import { job } from './job/controller.ts';
import { namespace } from './namespace/controller.ts';
import { nodeIpam } from './node-ipam/controller.ts';
import { nodeLifecycle } from './node-lifecycle/controller.ts';
import { taintEviction } from './node-lifecycle/taint-eviction.ts';
import { podGc } from './pod-gc/controller.ts';
import { replicaset, replicationcontroller } from './replicaset/controller.ts';
import { rootCaPublisher, serviceaccount, serviceaccountToken } from './serviceaccount/controller.ts';
import { statefulset } from './statefulset/controller.ts';
import { claimProtection, classProtection, volumeProtection } from './storage-protection/controller.ts';
import { ttlAfterFinished } from './ttl-after-finished/controller.ts';
import { validatingAdmissionPolicyStatus } from './validatingadmissionpolicy-status/controller.ts';

/**
 * All controllers, in the order in which they start: first what pods cannot be created without. None needs another to be ready. Aggregated roles are
 * kept by the API server itself, which needs them before anything else.
 */
export const controllers: readonly ControllerSpec[] = [
  serviceaccount,
  serviceaccountToken,
  rootCaPublisher,
  nodeIpam,
  nodeLifecycle,
  taintEviction,
  deployment,
  replicaset,
  replicationcontroller,
  statefulset,
  daemonset,
  job,
  cronjob,
  ttlAfterFinished,
  endpointSlices,
  endpointSliceMirroring,
  endpoints,
  disruption,
  namespace,
  garbageCollector,
  podGc,
  claimProtection,
  volumeProtection,
  classProtection,
  certificateApprover,
  certificateSigner,
  certificateCleaner,
  validatingAdmissionPolicyStatus,
];
